import type { Asset } from '../../api/asset';
import type { Group, Pair } from '../../api/duplicates';

export type Side = 'left' | 'right';

/** Two files of a group beside each other. */
export interface ShownPair {
  left: Asset;
  right: Asset;
  pair: Pair;
}

/**
 * The file that the group stands for beside another one of it, the second when that is not named; null when a group has
 * not two files left that were compared.
 */
export function shownPair(group: Group, otherId: number | null): ShownPair | null {
  const [left, ...others] = group.files;
  const right = others.find(({ id }) => id === otherId) ?? others[0];
  if (!left || !right) return null;
  const pair =
    group.pairs.find((one) => joins(one, left.id) && joins(one, right.id)) ??
    group.pairs.find((one) => joins(one, right.id));
  return pair ? { left, right, pair } : null;
}

/** Which file of a pair is shown beside the one that its group stands for; null when the group has no such pair. */
export function otherOfPair({ files, pairs }: Group, pairId: number | null): number | null {
  const pair = pairs.find(({ id }) => id === pairId);
  if (!pair) return null;
  return pair.fileA === files[0]?.id ? pair.fileB : pair.fileA;
}

/** Pairs of a group that one of its files is in. */
export function pairsOf(group: Group, fileId: number): Pair[] {
  return group.pairs.filter((pair) => joins(pair, fileId));
}

function joins({ fileA, fileB }: Pair, fileId: number): boolean {
  return fileA === fileId || fileB === fileId;
}
