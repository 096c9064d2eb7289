import type { UseObstacle } from '../../../plugin/src/contracts/merging';
import { namesOf, type LibraryFile } from '../usage/library-files';
import { obstacle } from '../usage/obstacles';
import { mentions, urlPattern } from '../usage/texts';
import { isEmpty } from './suggestion';

/** The rewritten text, or the original one and an obstacle. */
export interface Rewriting<Value> {
  value: Value;
  /** Why it could not be rewritten; null if it was. */
  obstacle: UseObstacle | null;
}

/** Query strings that are valid for one file only. */
const SIGNATURE = /[?&](?:x-amz-|x-goog-|signature=|sig=|token=|expires=)/i;
/** Characters that end a URL in Markdown or HTML. */
const ENDS_ADDRESS = /[\s"'<>()[\]{}\\`]/;

/**
 * Makes a text that embeds a copy embed the kept file: each URL of the copy or of one of its formats becomes that of the
 * kept file's format of the same name, or of its original. A host before the URL stays. All or nothing.
 */
export function rewriteAddresses(
  text: string,
  { copy, keep }: { copy: LibraryFile; keep: LibraryFile },
): Rewriting<string> {
  const refuse = (code: UseObstacle['code']) => ({ value: text, obstacle: obstacle(code) });
  let rewritten = text;
  for (const [from, to] of addressPairs(copy, keep)) {
    if (!rewritten.includes(from)) continue;
    if (isRelative(from) !== isRelative(to)) return refuse('other-storage');
    if (ENDS_ADDRESS.test(to)) return refuse('unsafe-url');
    if (isSigned(rewritten, from)) return refuse('signed-url');
    rewritten = rewritten.replace(urlPattern(from), () => to);
  }
  if (mentions(rewritten, namesOf(copy))) return refuse('not-by-url');
  return { value: rewritten, obstacle: null };
}

/** Longer URLs first, because one may be a prefix of another. */
function addressPairs(copy: LibraryFile, keep: LibraryFile): [from: string, to: string][] {
  const pairs = Object.entries(copy.formats ?? {}).map(([name, { url }]): [string, string] => [
    url,
    keep.formats?.[name]?.url ?? keep.url,
  ]);
  pairs.push([copy.url, keep.url]);
  return pairs.sort(([left], [right]) => right.length - left.length);
}

/** The kept file's URLs that these URLs of the copy become. */
export function rewrittenUrls(urls: readonly string[], files: Files): Set<string> {
  const pairs = new Map(addressPairs(files.copy, files.keep));
  return new Set(urls.flatMap((url) => pairs.get(url) ?? []));
}

function isRelative(url: string): boolean {
  return url.startsWith('/') && !url.startsWith('//');
}

function isSigned(text: string, url: string): boolean {
  return [...text.matchAll(urlPattern(url))].some(({ index }) => {
    const [rest = ''] = text.slice(index + url.length).split(ENDS_ADDRESS, 1);
    return rest.startsWith('?') && SIGNATURE.test(rest);
  });
}

interface Files {
  copy: LibraryFile;
  keep: LibraryFile;
}

/** The file attributes that an image block copies, besides its texts and its URL. */
const COPIED = [
  'id',
  'documentId',
  'name',
  'width',
  'height',
  'formats',
  'hash',
  'ext',
  'mime',
  'size',
  'previewUrl',
  'provider',
  'provider_metadata',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof LibraryFile)[];

/** Aborts the traversal; never leaves this file. */
class Refusal extends Error {
  constructor(readonly obstacle: UseObstacle) {
    super(obstacle.message);
  }
}

/**
 * Makes the value of a blocks field show the kept file instead of a copy: image blocks contain a whole file, links and
 * texts its URL. A block's own descriptions stay. All or nothing.
 */
export function rewriteBlocks(value: unknown, files: Files): Rewriting<unknown> {
  try {
    const rewritten = walk(value, files);
    if (mentions(JSON.stringify(rewritten), namesOf(files.copy))) {
      throw new Refusal(obstacle('unexpected-place'));
    }
    return { value: rewritten, obstacle: null };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { value, obstacle: error.obstacle };
  }
}

function walk(value: unknown, files: Files): unknown {
  if (typeof value === 'string') return rewriteText(value, files);
  if (Array.isArray(value)) return value.map((item) => walk(item, files));
  if (typeof value !== 'object' || value === null) return value;
  const node = value as Record<string, unknown>;
  const { image } = node;
  const isImage = node['type'] === 'image' && isObject(image) && image['hash'] === files.copy.hash;
  return Object.fromEntries(
    Object.entries(node).map(([key, child]) => [
      key,
      isImage && key === 'image' ? rewriteImage(image, files) : walk(child, files),
    ]),
  );
}

function rewriteText(text: string, files: Files): string {
  const rewriting = rewriteAddresses(text, files);
  if (rewriting.obstacle !== null) throw new Refusal(rewriting.obstacle);
  return rewriting.value;
}

function rewriteImage(image: Record<string, unknown>, files: Files): Record<string, unknown> {
  const { copy, keep } = files;
  if (keep.width === null || keep.height === null) {
    throw new Refusal(obstacle('unknown-size'));
  }
  const { url, alternativeText, caption } = image;
  const rewritten = typeof url === 'string' ? rewriteText(url, files) : url;
  if (rewritten === url) throw new Refusal(obstacle('custom-url'));
  const facts = COPIED.filter((key) => key in image).map((key) => [key, keep[key]] as const);
  return {
    ...image,
    ...Object.fromEntries(facts),
    url: rewritten,
    ...('alternativeText' in image && {
      alternativeText: ownText(alternativeText, copy) ?? keep.alternativeText ?? keep.name,
    }),
    ...('caption' in image && { caption: ownText(caption, copy) ?? keep.caption }),
  };
}

/** Strapi fills in the file's name when there is no text; that name doesn't describe the kept file. */
function ownText(text: unknown, { name }: LibraryFile): string | null {
  return typeof text !== 'string' || isEmpty(text) || text === name ? null : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
