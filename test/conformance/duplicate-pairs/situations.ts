import type {
  DuplicatePair,
  DuplicatePairs,
  Findings,
  FoundPair,
} from '../../../plugin/src/duplicates/contract';
import type { DuplicateVerdict } from '../../../plugin/src/matching/contract';

export const verdicts = {
  identical: { kind: 'identical' },
  sameImage: {
    kind: 'same-image',
    fingerprintDistance: 3,
    correlation: 0.991,
    largestDifference: 0.25,
  },
  edited: {
    kind: 'edited',
    similarity: 0.875,
    fingerprintDistance: 90,
    alignment: {
      inner: 'other',
      isMirrored: true,
      region: { left: 0.1, top: -0.01, width: 0.5, height: 0.75 },
      covered: 0.95,
      matching: 0.8,
      correlation: 0.9,
    },
  },
} as const satisfies Record<string, DuplicateVerdict>;

/** The library that the pairs are of. */
export interface ReviewedFiles {
  add(fileId: number, contentHash: string): Promise<void>;
  remove(fileId: number): Promise<void>;
}

/** The hash of a file's bytes; `version` counts how often they were replaced. */
export function hashOf(fileId: number, version = 1): string {
  return `${String(fileId)}-${String(version)}`.padStart(64, '0');
}

/** What comparing a file found, each of the others with its first bytes. */
export function findings(
  fileId: number,
  otherIds: readonly number[],
  options: { verdict?: DuplicateVerdict; version?: number } = {},
): Findings {
  const { verdict = verdicts.sameImage, version = 1 } = options;
  const contentHash = hashOf(fileId, version);
  const pairs = otherIds.map((otherId): FoundPair =>
    fileId < otherId
      ? { ...between(fileId, otherId), contentHashA: contentHash, verdict }
      : { ...between(otherId, fileId), contentHashB: contentHash, verdict },
  );
  return { fileId, contentHash, pairs };
}

function between(fileA: number, fileB: number) {
  return { fileA, fileB, contentHashA: hashOf(fileA), contentHashB: hashOf(fileB) };
}

/** Every pair, newest first. */
export async function allPairs(pairs: DuplicatePairs): Promise<DuplicatePair[]> {
  const ofStatus = await Promise.all(
    (['open', 'ignored', 'merged'] as const).map((status) =>
      pairs.list({ status, cursor: null, limit: 1_000 }),
    ),
  );
  return ofStatus.flatMap((page) => page.pairs).sort((one, other) => other.id - one.id);
}

/** The one pair of two files. */
export async function pairOf(
  pairs: DuplicatePairs,
  fileA: number,
  fileB: number,
): Promise<DuplicatePair> {
  const found = (await allPairs(pairs)).filter(
    (pair) => pair.fileA === fileA && pair.fileB === fileB,
  );
  const [pair, ...more] = found;
  if (!pair || more.length > 0) {
    throw new Error(`Expected one pair of ${String(fileA)} and ${String(fileB)}.`);
  }
  return pair;
}

export function filesOf(pairs: readonly DuplicatePair[]): [number, number][] {
  return pairs.map(({ fileA, fileB }) => [fileA, fileB]);
}
