import type { FileNames } from './contract';

/** Strapi appends ten random digits to the hash of an upload; a shorter one may be a word of any text. */
const SHORTEST_TELLING_HASH = 12;

/** What a text must contain to name the file, for a first look by the database. */
export function needlesOf({ documentId, hash, urls }: FileNames): string[] {
  if (!isTelling(hash)) return [documentId, ...urls];
  return [documentId, hash, ...urls.filter((url) => !url.includes(hash))];
}

/** Whether a text names this file: by an address, its name in storage or its document id, not as a part of another's. */
export function mentions(text: string, file: FileNames): boolean {
  const { documentId, hash, urls } = file;
  const names = isTelling(hash) ? [documentId, hash] : [documentId];
  return (
    names.some((name) => containsName(text, name)) || urls.some((url) => containsUrl(text, url))
  );
}

/**
 * Where an address stands in a text: not where it is the beginning of a longer one. Before it there may be a scheme
 * and a host, with which the panel completes the address of a local file.
 */
export function urlPattern(url: string): RegExp {
  return new RegExp(`${escapePattern(url)}(?![\\w%/-]|\\.\\w)`, 'g');
}

function isTelling(hash: string): boolean {
  return hash.length >= SHORTEST_TELLING_HASH;
}

function containsUrl(text: string, url: string): boolean {
  return text.includes(url) && urlPattern(url).test(text);
}

/** A format's name in storage is that of the file with a prefix: `small_…`. */
function containsName(text: string, name: string): boolean {
  return (
    text.includes(name) && new RegExp(`(?<![a-zA-Z0-9])${escapePattern(name)}(?!\\w)`).test(text)
  );
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
