import type { DuplicateGroup, JudgedPair } from './contract';

type Pair = Pick<JudgedPair, 'fileA' | 'fileB'>;

/**
 * Groups of files from pairs. Every member has a pair with the group's representative, and every pair lies in exactly
 * one group: where A is a duplicate of B, and B of C, but A not of C, the group is B with A and C; where C is also one
 * of D, C stands for a second group with D alone. So no two files come together by more than one step, and no
 * pair is lost, at the price of files that are in two groups.
 *
 * The file with most pairs becomes a representative first (of two with as many the one with the lower id), takes its
 * partners, and with them all pairs among these. Neither the order of the pairs nor one that is given twice matters.
 * Answers groups by ascending representative.
 */
export function groupPairs(pairs: readonly Pair[]): DuplicateGroup[] {
  const partners = partnersOf(pairs);
  const order = [...partners]
    .map(([file, files]) => ({ file, pairs: files.size }))
    .sort((one, other) => other.pairs - one.pairs || one.file - other.file);
  const groups: DuplicateGroup[] = [];
  for (const { file: representative } of order) {
    const members = [...(partners.get(representative) ?? [])].sort((one, other) => one - other);
    if (members.length === 0) continue;
    removePairsAmong([representative, ...members], partners);
    groups.push({ representative, members });
  }
  return groups.sort((one, other) => one.representative - other.representative);
}

function partnersOf(pairs: readonly Pair[]): Map<number, Set<number>> {
  const partners = new Map<number, Set<number>>();
  const add = (file: number, partner: number): void => {
    const known = partners.get(file) ?? new Set();
    partners.set(file, known.add(partner));
  };
  for (const { fileA, fileB } of pairs) {
    if (fileA === fileB) continue;
    add(fileA, fileB);
    add(fileB, fileA);
  }
  return partners;
}

function removePairsAmong(files: readonly number[], partners: Map<number, Set<number>>): void {
  const group = new Set(files);
  for (const file of files) {
    const of = partners.get(file);
    for (const partner of of ?? []) if (group.has(partner)) of?.delete(partner);
  }
}
