import type { LibraryFile } from '../usage/library-files';
import { mentions } from '../usage/mentions';
import { namesOf } from '../usage/library-files';
import { rewriteAddresses, type Rewriting } from './address-rewriting';
import { isEmpty } from './suggestion';

interface Files {
  copy: LibraryFile;
  keep: LibraryFile;
}

/** What an image block holds of its file, besides its texts and its address. */
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

/** Thrown through the walk; never leaves this file. */
class Obstacle extends Error {}

/**
 * Makes the value of a blocks field show the kept file instead of a copy: image blocks hold a whole file, and links
 * or texts its address. Descriptions that a block has of its own stay. All or nothing.
 */
export function rewriteBlocks(value: unknown, files: Files): Rewriting<unknown> {
  try {
    const rewritten = walk(value, files);
    if (mentions(JSON.stringify(rewritten), namesOf(files.copy))) {
      throw new Obstacle('The blocks name the file in a place that is not known.');
    }
    return { value: rewritten, obstacle: null };
  } catch (error) {
    if (!(error instanceof Obstacle)) throw error;
    return { value, obstacle: error.message };
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
  const { value, obstacle } = rewriteAddresses(text, files);
  if (obstacle !== null) throw new Obstacle(obstacle);
  return value;
}

function rewriteImage(image: Record<string, unknown>, files: Files): Record<string, unknown> {
  const { copy, keep } = files;
  if (keep.width === null || keep.height === null) {
    throw new Obstacle('An image block needs a size, and that of the kept file is not known.');
  }
  const { url, alternativeText, caption } = image;
  const rewritten = typeof url === 'string' ? rewriteText(url, files) : url;
  if (rewritten === url) throw new Obstacle('An image block has an address of its own.');
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

/** Strapi writes a file's name where there is no text: that says nothing of the kept file. */
function ownText(text: unknown, { name }: LibraryFile): string | null {
  return typeof text !== 'string' || isEmpty(text) || text === name ? null : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
