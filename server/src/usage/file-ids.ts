/** A place in a value that names a file by its numeric id, or may do so. */
export interface IdMention {
  fileId: number;
  /** Whether a key or the words before the number say that it is a file; a bare number may be anything. */
  isSure: boolean;
  /** The place: `hero.imageId: 5` in JSON, or the piece of a text. */
  mention: string;
}

/** Words in a key or a text that say that the number after them is a file's. */
const FILE_WORDS = [
  'asset',
  'attachment',
  'avatar',
  'file',
  'gallery',
  'image',
  'img',
  'logo',
  'media',
  'photo',
  'picture',
  'poster',
  'thumbnail',
  'upload',
];

/** What a file's row has and few other things do. */
const FILE_TRAITS = ['alternativetext', 'mime', 'previewurl'];

/** Words of which a field must contain one for a number in it to be surely a file's. */
export const telltaleWords: readonly string[] = [...FILE_WORDS, 'galleries', ...FILE_TRAITS].filter(
  (word, _, all) => !all.some((other) => other !== word && word.includes(other)),
);

/** Keys whose number is an amount, a place or a time. */
const AMOUNTS = new Set(
  (
    'amount angle blur bottom column columns count day days delay depth duration end fps gap height hour hours index ' +
    'interval lat latitude left length level limit line lines lng longitude margin max min minute minutes month number ' +
    'offset opacity order padding page pages percent port position price priority quality quantity radius rating ratio ' +
    'right rotation row rows scale score second seconds size sort speed start step time timestamp top total version ' +
    'weight width x y year z zoom'
  ).split(' '),
);

/** Things other than files that have ids. */
const OTHER_THINGS = new Set(
  'article author block category comment component customer event form locale menu order page parent post product role section tag user'.split(
    ' ',
  ),
);

/** Keys between the one that says what a value is and the id itself: `image.data.id`. */
const ID_KEYS = ['attributes', 'connect', 'data', 'id', 'ids'];
const VALUE_KEYS = ['items', 'key', 'list', 'ref', 'refs', 'set', 'value', 'values'];

type KeyMeaning = 'file' | 'files' | 'other' | 'unknown';

/** What a key says of the numbers below it. */
function meaningOf(key: string): KeyMeaning {
  const words = wordsOf(key);
  const last = words.at(-1) ?? '';
  if (AMOUNTS.has(last)) return 'other';
  const hasId = last === 'id' || last === 'ids';
  const things = hasId ? words.slice(0, -1) : words;
  if (things.some((word) => FILE_WORDS.includes(singular(word)))) {
    const isPlural = last !== 'id' && (last === 'ids' || singular(last) !== last);
    return isPlural ? 'files' : 'file';
  }
  return things.some((word) => OTHER_THINGS.has(singular(word))) ? 'other' : 'unknown';
}

/** Whether numbers in a field of this name are surely files. */
export function isNamedAfterFiles(name: string): boolean {
  const meaning = meaningOf(name);
  return meaning === 'file' || meaning === 'files';
}

function wordsOf(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}

function singular(word: string): string {
  return word.endsWith('ies') ? `${word.slice(0, -3)}y` : word.replace(/s$/, '');
}

/**
 * Where a JSON value names these files by their ids: numbers, texts that are one number, and ids in longer texts. Keys
 * that name amounts (`width`, `order`) or other things (`userId`) are skipped.
 *
 * @param name of the field, which may say what is in it
 */
export function findIdsInJson(value: unknown, name: string, ids: ReadonlySet<number>): IdMention[] {
  const found: IdMention[] = [];
  walk(value, { meaning: meaningOf(name), isListed: false, path: '' }, { ids, found });
  return found;
}

interface Place {
  meaning: KeyMeaning;
  /** Whether it is in a list. */
  isListed: boolean;
  path: string;
}

function walk(
  value: unknown,
  place: Place,
  search: { ids: ReadonlySet<number>; found: IdMention[] },
): void {
  const { ids, found } = search;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      walk(item, { ...place, isListed: true, path: `${place.path}[${String(index)}]` }, search);
    }
    return;
  }
  if (typeof value === 'object' && value !== null) {
    const isFile = describesFile(value);
    for (const [key, child] of Object.entries(value)) {
      const path = place.path === '' ? key : `${place.path}.${key}`;
      const isCarrier = carriesOn(key.toLowerCase(), place.meaning);
      const meaning = isFile && key === 'id' ? 'file' : isCarrier ? place.meaning : meaningOf(key);
      walk(child, { meaning, path, isListed: isCarrier }, search);
    }
    return;
  }
  const number = wholeNumberOf(value);
  if (number === null) {
    if (typeof value !== 'string') return;
    for (const mention of findIdsInText(value, ids)) found.push(mention);
    return;
  }
  if (!ids.has(number) || place.meaning === 'other') return;
  const isSure = place.meaning === 'file' || (place.meaning === 'files' && place.isListed);
  const mention = place.path === '' ? String(number) : `${place.path}: ${String(number)}`;
  found.push({ fileId: number, isSure, mention });
}

/** Whether a key says no more than the one above it. A category's `ref` may be an image, its `id` is a category's. */
function carriesOn(key: string, above: KeyMeaning): boolean {
  return ID_KEYS.includes(key) || (above !== 'other' && VALUE_KEYS.includes(key));
}

function describesFile(value: object): boolean {
  return Object.entries(value).some(
    ([key, child]) =>
      FILE_TRAITS.includes(key.toLowerCase()) ||
      (typeof child === 'string' && child.includes('upload.file')),
  );
}

function wholeNumberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) ? value : null;
  return typeof value === 'string' && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : null;
}

const NUMBER = /(?<![\w.-])\d{1,15}(?!\w|\.\w)/g;
/** How far before a number the words that explain it may start. */
const LOOK_BACK = 80;
const WORD = `(?:${[...FILE_WORDS, 'gallerie'].join('|')})s?`;
const LIST = `["'\\\\[({]*\\s*(?:\\d+["'\\\\]*\\s*[,|;]\\s*["'\\\\]*)*$`;
/** `fileId: 5`, `data-image-id="5"`, `[gallery ids="4,5`, `image=5`, `upload/files/5`. */
const SURE = new RegExp(
  `(?:${WORD}[-_ ]?(?:data-)?ids?["'\\\\]*\\s*(?:=>?|:)|${WORD}["'\\\\]*=|uploads?/files/)\\s*${LIST}`,
  'i',
);
/** `<img … data-id="5"`, `[image … id="5"`. */
const IN_TAG = new RegExp(
  `[<[{]+\\s*${WORD}\\b[^<>[\\]{}]*\\bids?["'\\\\]*\\s*[=:]\\s*${LIST}`,
  'i',
);
/** `image: 5`, `image#5`. */
const POSSIBLE = new RegExp(`${WORD}["'\\\\]*\\s*[:#]\\s*${LIST}`, 'i');

/** What stands between such a word and the number. */
const LINK = /[=:#/>,;|"'[({\\]\s*$/;

/** Where a text names these files by their ids. A number without a word for a file before it is none. */
export function findIdsInText(text: string, ids: ReadonlySet<number>): IdMention[] {
  const found: IdMention[] = [];
  for (const { 0: digits, index } of text.matchAll(NUMBER)) {
    const fileId = Number(digits);
    if (!ids.has(fileId)) continue;
    if (!LINK.test(text.slice(Math.max(0, index - 4), index))) continue;
    const before = text.slice(Math.max(0, index - LOOK_BACK), index);
    const isSure = SURE.test(before) || IN_TAG.test(before);
    if (!isSure && !POSSIBLE.test(before)) continue;
    const start = Math.max(0, index - 30);
    found.push({ fileId, isSure, mention: text.slice(start, index + digits.length).trimStart() });
  }
  return found;
}

/** Whether a text surely names this file by its id. */
export function namesId(text: string, fileId: number): boolean {
  return findIdsInText(text, new Set([fileId])).some(({ isSure }) => isSure);
}
