import type { DuplicateGroup, JudgedPair } from './contract';

type Pair = Pick<JudgedPair, 'fileA' | 'fileB'>;

/**
 * Groups of files from pairs. Every member has a pair with the group's representative, and every pair lies in exactly
 * one group: where A is a duplicate of B, and B of C, but A not of C, the group is B with A and C; where C is also one
 * of D, C stands for a second group with D alone. So no two files come together by more than one step, and no
 * pair is lost, at the price of files that are in two groups.
 *
 * The file with most pairs becomes a representative first (of two with as many the one with the lower id), takes its
 * partners, and with them all pairs among these; then the file with most of the remaining pairs, and so on. Neither the order of the pairs nor one that is given twice matters.
 * Answers groups by ascending representative.
 */
export function groupPairs(pairs: readonly Pair[]): DuplicateGroup[] {
  const partners = partnersOf(pairs);
  // Files by how many pairs they had when last looked at.
  const waiting: number[][] = [];
  for (const [file, files] of partners) (waiting[files.size] ??= []).push(file);
  const groups: DuplicateGroup[] = [];
  for (let count = waiting.length - 1; count > 0; count -= 1) {
    for (const file of (waiting[count] ?? []).sort((one, other) => one - other)) {
      const files = partners.get(file) ?? new Set();
      if (files.size < count) {
        (waiting[files.size] ??= []).push(file);
        continue;
      }
      const members = [...files].sort((one, other) => one - other);
      removePairsAmong([file, ...members], partners);
      groups.push({ representative: file, members });
    }
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
