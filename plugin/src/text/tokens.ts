/** A folded word of a text, and where in the text it is. */
export interface Token {
  /** Lowercase without accents; two characters of a script without spaces, or one at the end of a run. */
  word: string;
  start: number;
  end: number;
}

/** Raise it when the same text gets other tokens: all files are then read again. */
export const TOKENS_VERSION = 1;

/** Longer ones are hashes, data and the like. */
const LONGEST_WORD = 40;

const RUN = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts whose words aren't separated, and Korean, whose words have endings attached. */
const UNSEPARATED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]+/gu;
/** Where a run has parts: `logoAcme`, `XMLFile`, `IMG1234`, `4k`. */
const PARTS =
  /\p{Lu}+(?=\p{Lu}[\p{Ll}\p{M}])|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{Lt}\p{M}]+|[\p{Lu}\p{M}]+|\p{N}+/gu;

/** Letters that don't decompose into a plain one and an accent. */
const LETTERS: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
};

/** Marks are accents in these scripts; in others they are vowels. */
const ACCENTED =
  /([\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}])\p{Mn}+/gu;

export function foldWord(word: string): string {
  return word
    .normalize('NFKD')
    .replace(ACCENTED, '$1')
    .normalize('NFC')
    .toLowerCase()
    .replace(ACCENTED, '$1')
    .replace(/[ßæœøđðþłħı]/g, (letter) => LETTERS[letter] ?? letter);
}

/**
 * The words of a text in reading order, then those that have parts as a whole: `logoAcme.png` is `logo`, `acme`, `png`
 * and `logoacme`.
 *
 * @param isQuery leaves out wholes, and the single character at the end of a run of two or more
 */
export function tokensOf(text: string, isQuery = false): Token[] {
  const tokens: Token[] = [];
  const wholes: Token[] = [];
  for (const run of text.matchAll(RUN)) {
    for (const { text: piece, start, isUnseparated } of piecesOf(run[0], run.index)) {
      if (isUnseparated) {
        tokens.push(...pairsOf(piece, start, isQuery));
        continue;
      }
      const parts = [...piece.matchAll(PARTS)].flatMap((part) =>
        toToken(part[0], start + part.index),
      );
      tokens.push(...parts);
      if (!isQuery && parts.length > 1) wholes.push(...toToken(piece, start));
    }
  }
  return [...tokens, ...wholes];
}

/** A run of letters and digits, split where a script without spaces begins or ends. */
function piecesOf(
  run: string,
  offset: number,
): { text: string; start: number; isUnseparated: boolean }[] {
  const pieces: { text: string; start: number; isUnseparated: boolean }[] = [];
  let position = 0;
  for (const match of run.matchAll(UNSEPARATED)) {
    // Marks belong to the character before them.
    const marks = /^\p{M}+/u.exec(run.slice(match.index + match[0].length))?.[0] ?? '';
    if (match.index > position) {
      pieces.push({
        text: run.slice(position, match.index),
        start: offset + position,
        isUnseparated: false,
      });
    }
    pieces.push({ text: match[0] + marks, start: offset + match.index, isUnseparated: true });
    position = match.index + match[0].length + marks.length;
  }
  if (position < run.length) {
    pieces.push({ text: run.slice(position), start: offset + position, isUnseparated: false });
  }
  return pieces;
}

function toToken(text: string, start: number): Token[] {
  const word = foldWord(text);
  return word === '' || word.length > LONGEST_WORD
    ? []
    : [{ word, start, end: start + text.length }];
}

function pairsOf(piece: string, start: number, isQuery: boolean): Token[] {
  const characters = Array.from(piece);
  const tokens: Token[] = [];
  let position = start;
  for (const [index, character] of characters.entries()) {
    const next = characters[index + 1] ?? '';
    const isLast = next === '';
    const text = character + next;
    if (!(isLast && isQuery && characters.length > 1)) tokens.push(...toToken(text, position));
    position += character.length;
  }
  return tokens;
}

/** Whether a word is one character of a script without spaces. */
export function isSingle(word: string): boolean {
  return Array.from(word).length === 1 && word.replace(UNSEPARATED, '') === '';
}

const EXTENSION = /\.[a-z][a-z\d]{1,4}$/i;

/** What two names have in common that differ in case, separators, accents and extension only; empty without any. */
export function nameKeyOf(name: string): string {
  const stem = name.trim().replace(EXTENSION, '');
  return [...stem.matchAll(RUN)].map(([run]) => foldWord(run)).join('');
}

/** Words in quotation marks, and the text without those marks. */
export function phrasesOf(text: string): { phrases: string[]; plain: string } {
  const phrases: string[] = [];
  const plain = text.replace(/["“”„«»「」]([^"“”„«»「」]+)["“”„«»「」]/gu, (_, phrase: string) => {
    phrases.push(phrase);
    return ` ${phrase} `;
  });
  return { phrases, plain };
}
