import { createHash } from 'node:crypto';
import { LONGEST_FIELD, wordFields, type FileWords, type WordField } from './contract';
import type { Term } from './ranking';
import { TOKENS_VERSION, tokensOf } from './tokens';

/** Files that are scored, beyond those that are asked for. */
export const LEAST_CANDIDATES = 200;
/**
 * Files that an index ranks at most, by the rarest words of the query; others only add to the score of a file. Ranking
 * 100,000 takes 100 ms.
 */
export const RANKED_AT_MOST = 3_000;
/** A smaller library says little about how rare a word is. */
const LEAST_TOTAL = 100;
/** Files of the same or a close name. */
export const MOST_NAMES = 200;

/** A word of a query, and how many files have it; counted to just above RANKED_AT_MOST. */
export interface CountedTerm {
  term: Term;
  count: number;
}

/**
 * As BM25 weighs a word (S. Robertson and H. Zaragoza, 2009, section 3.4), squared, as in a cosine of weighted words:
 * close to 0 when all files have it.
 */
export function rarityOf(count: number, total: number): number {
  const all = Math.max(total, LEAST_TOTAL);
  const files = Math.max(1, Math.min(count, all));
  return Math.log(1 + (all - files + 0.5) / (files + 0.5)) ** 2;
}

/** By which words of a query candidates are found: any of the rare ones, or all of them if all are common. */
export function chooseTerms(
  counted: readonly CountedTerm[],
): { areCommon: boolean; terms: CountedTerm[] } | null {
  const found = counted
    .filter(({ count }) => count > 0)
    .sort((left, right) => left.count - right.count);
  const [rarest] = found;
  if (rarest === undefined) return null;
  if (rarest.count > RANKED_AT_MOST) return { areCommon: true, terms: found };
  let ranked = 0;
  const terms = found.filter(({ count }) => {
    ranked += count;
    return ranked <= RANKED_AT_MOST;
  });
  return { areCommon: false, terms };
}

/** The name of a field's column. */
export const columnOf = {
  name: 'name',
  alternativeText: 'alternative_text',
  caption: 'caption',
  folder: 'folder',
  entryTitles: 'entry_titles',
  text: 'text',
} as const satisfies Record<WordField, string>;

/** What a match in each column is worth when candidates are chosen. */
export const COLUMN_WEIGHTS: Record<WordField, number> = {
  name: 4,
  alternativeText: 3,
  caption: 3,
  folder: 2,
  entryTitles: 2,
  text: 1,
};

/** The words of a field, separated by spaces. */
export function toStored(text: string): string {
  return tokensOf(text.slice(0, LONGEST_FIELD))
    .map(({ word }) => word)
    .join(' ');
}

/** Differs when a file has other words. */
export function signatureOf(file: FileWords): string {
  const values = [TOKENS_VERSION, ...wordFields.map((field) => file[field])];
  return createHash('sha256').update(JSON.stringify(values)).digest('base64').slice(0, 12);
}
