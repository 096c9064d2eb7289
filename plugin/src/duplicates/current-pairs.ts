import type { Findings, FoundPair } from './contract';

/**
 * What findings say together: each pair once, in the order of its files, so that all who write pairs lock them in one
 * order. Left out is what was judged on bytes that another of the findings says are no more.
 */
export function currentPairs(findings: readonly Findings[]): FoundPair[] {
  const hashes = new Map(findings.map(({ fileId, contentHash }) => [fileId, contentHash]));
  const isCurrent = (fileId: number, contentHash: string): boolean =>
    (hashes.get(fileId) ?? contentHash) === contentHash;
  const pairs = new Map<string, FoundPair>();
  for (const pair of findings.flatMap((finding) => finding.pairs)) {
    const { fileA, fileB, contentHashA, contentHashB } = pair;
    if (!isCurrent(fileA, contentHashA) || !isCurrent(fileB, contentHashB)) continue;
    pairs.set(`${String(fileA)} ${String(fileB)}`, pair);
  }
  return [...pairs.values()].sort(
    (one, other) => one.fileA - other.fileA || one.fileB - other.fileB,
  );
}
