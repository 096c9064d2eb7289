import { wordFields, type TextHit, type WordField } from './contract';
import { isSingle, nameKeyOf, phrasesOf, tokensOf } from './tokens';

/** Further words of a query are ignored. */
const MOST_TERMS = 24;
/** Hits with a smaller share of the query are left out. */
const LEAST_SCORE = 0.2;
/** A field is named if it has at least this share of what the best one has. */
const LEAST_SHARE_OF_FIELD = 0.34;
/** A shorter word isn't the beginning of others, unless it is a character of a script without spaces. */
const SHORTEST_BEGINNING = 3;
/** A word without its ending is at least this long. */
const SHORTEST_STEM = 3;
/** Such a word may have another ending, of at most one more character: собака, собаки. */
const SHORTEST_WITH_ENDING = 6;
const LONGEST_ENDING = 1;
/** A query is close to a name if it has at least this share of its characters. */
const CLOSE_NAME = 0.7;

/** What a match is worth, by how it matches and where. */
const QUALITY = { same: 1, beginning: 0.8, stem: 0.85, ending: 0.6 } as const;
const WEIGHTS: Record<WordField, number> = {
  name: 1,
  alternativeText: 1,
  caption: 1,
  folder: 0.7,
  entryTitles: 0.8,
  text: 0.8,
};

/** A word of a query: it matches itself, longer words that begin with it, and itself without or with another ending. */
export interface Term {
  word: string;
  /** Null if only the word itself matches. */
  beginning: string | null;
  stems: string[];
  /** The word without its last character, which another ending may follow; null if the word is short. */
  root: string | null;
}

export interface ParsedQuery {
  terms: Term[];
  /** Words that must follow each other. */
  phrases: string[][];
  /** Empty when the query has no letter or digit. */
  nameKey: string;
  /** Whether people write so in names rather than in sentences: with digits, underscores, parts without spaces. */
  isLikeName: boolean;
}

const NAME_SIGNS = /[\p{N}_@]|[\p{L}\p{N}][-.][\p{L}\p{N}]|\p{Ll}\p{Lu}/u;

export function parseQuery(text: string): ParsedQuery {
  const { phrases, plain } = phrasesOf(text);
  const words = new Set(tokensOf(plain, true).map(({ word }) => word));
  return {
    terms: [...words].slice(0, MOST_TERMS).map(toTerm),
    phrases: phrases
      .map((phrase) => tokensOf(phrase, true).map(({ word }) => word))
      .filter((phrase) => phrase.length > 0),
    nameKey: nameKeyOf(plain),
    isLikeName: NAME_SIGNS.test(plain),
  };
}

function toTerm(word: string): Term {
  const isShort = word.length < SHORTEST_BEGINNING && !isSingle(word);
  const isNumber = /^\p{N}+$/u.test(word);
  const stems = isNumber
    ? []
    : [word.slice(0, -1), word.slice(0, -2)].filter((stem) => stem.length >= SHORTEST_STEM);
  const hasEnding = !isNumber && word.length >= SHORTEST_WITH_ENDING;
  return {
    word,
    beginning: isShort ? null : word,
    stems,
    root: hasEnding ? word.slice(0, -1) : null,
  };
}

/** What a word of a file is worth for a term; 0 if it doesn't match. */
export function qualityOf(word: string, { beginning, root, stems, word: wanted }: Term): number {
  if (word === wanted) return QUALITY.same;
  if (beginning !== null && word.startsWith(beginning)) return QUALITY.beginning;
  if (stems.includes(word)) return QUALITY.stem;
  const hasOtherEnding =
    root !== null && word.length <= wanted.length + LONGEST_ENDING && word.startsWith(root);
  return hasOtherEnding ? QUALITY.ending : 0;
}

/** The words of one file by field, as they are stored: separated by spaces. */
export type StoredWords = Record<WordField, string>;

/**
 * Scores one file; null if too little of the query matches.
 *
 * @param weights how much each term counts, in the order of `query.terms`
 */
export function scoreFile(
  query: ParsedQuery,
  weights: readonly number[],
  file: { fileId: number; nameKey: string; words: Partial<StoredWords> },
): TextHit | null {
  const fields = wordFields.filter((field) => (file.words[field] ?? '') !== '');
  if (!hasPhrases(query.phrases, fields, file.words)) return null;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const perField = new Map<WordField, number>();
  const best = new Array<number>(query.terms.length).fill(0);
  for (const field of fields) {
    const words = (file.words[field] ?? '').split(' ');
    let found = 0;
    for (const [index, term] of query.terms.entries()) {
      let quality = 0;
      for (const word of words) {
        quality = Math.max(quality, qualityOf(word, term));
        if (quality === QUALITY.same) break;
      }
      const value = quality * WEIGHTS[field];
      found += value * (weights[index] ?? 0);
      best[index] = Math.max(best[index] ?? 0, value);
    }
    if (found > 0) perField.set(field, found);
  }
  const { name } = file.words;
  const nameMatch = name === undefined ? null : nameMatchOf(query, file.nameKey, name);
  const sum = best.reduce((all, value, index) => all + value * (weights[index] ?? 0), 0);
  const score = nameMatch === 'exact' ? 1 : total > 0 ? sum / total : 0;
  const isSure = nameMatch !== null || query.phrases.length > 0;
  if (!isSure && score < LEAST_SCORE) return null;
  const most = Math.max(0, ...perField.values());
  const matched = wordFields.filter((field) => {
    if (field === 'name' && nameMatch !== null) return true;
    const found = perField.get(field) ?? 0;
    return found > 0 && found >= LEAST_SHARE_OF_FIELD * most;
  });
  return matched.length === 0 ? null : { fileId: file.fileId, score, fields: matched, nameMatch };
}

function nameMatchOf(
  { isLikeName, nameKey, terms }: ParsedQuery,
  fileKey: string,
  name: string,
): TextHit['nameMatch'] {
  if (nameKey === '' || fileKey === '') return null;
  if (nameKey === fileKey) return 'exact';
  if (fileKey.includes(nameKey) && nameKey.length >= CLOSE_NAME * fileKey.length) return 'close';
  const hasAll = (words: readonly string[]): boolean =>
    terms.every(({ word }) => words.includes(word));
  return isLikeName && hasAll(name.split(' ')) ? 'close' : null;
}

function hasPhrases(
  phrases: readonly (readonly string[])[],
  fields: readonly WordField[],
  words: Partial<StoredWords>,
): boolean {
  return phrases.every((phrase) =>
    fields.some((field) => containsPhrase(` ${words[field] ?? ''} `, phrase)),
  );
}

function containsPhrase(words: string, phrase: readonly string[]): boolean {
  const [only = ''] = phrase;
  // Such a character is stored with the one after it.
  if (phrase.length === 1 && isSingle(only)) return words.includes(` ${only}`);
  return words.includes(` ${phrase.join(' ')} `);
}

/** The best first, as `TextMatches` has them. */
export function compareTextHits(left: TextHit, right: TextHit): number {
  return nameRank(left) - nameRank(right) || right.score - left.score || left.fileId - right.fileId;
}

export function nameRank({ nameMatch }: Pick<TextHit, 'nameMatch'>): number {
  return nameMatch === 'exact' ? 0 : nameMatch === 'close' ? 1 : 2;
}

/** Where a text has words of the query: from and to, in reading order, without overlaps. */
export function markWords(text: string, query: string): [number, number][] {
  const { terms } = parseQuery(query);
  const matches = tokensOf(text)
    .filter(({ word }) => terms.some((term) => qualityOf(word, term) > 0))
    // Shorter ones first: a part of a word rather than the whole.
    .sort((left, right) => left.end - left.start - (right.end - right.start));
  const ranges: [number, number][] = [];
  for (const { start, end } of matches) {
    const holdsAnother = ranges.some(
      ([from, to]) => start <= from && end >= to && end - start > to - from,
    );
    if (!holdsAnother) ranges.push([start, end]);
  }
  return joined(ranges.sort(([left], [right]) => left - right));
}

/** Pairs of characters overlap. */
function joined(ranges: readonly [number, number][]): [number, number][] {
  const joint: [number, number][] = [];
  for (const [start, end] of ranges) {
    const last = joint.at(-1);
    if (last && start < last[1]) last[1] = Math.max(last[1], end);
    else joint.push([start, end]);
  }
  return joint;
}
