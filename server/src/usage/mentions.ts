import type { FileNames } from './contract';

/** Strapi ends the hash of an upload with ten random digits; a shorter one may be a word of any text. */
const SHORTEST_TELLING_HASH = 12;
/** The rest of a longer hash, as that of a picture which was downloaded and uploaded again: another file's. */
const REST_OF_ANOTHER_HASH = '\\w*_[0-9a-f]{10}(?!\\w)';

/** What a text must contain to name the file, for a first look by the database. */
export function needlesOf(file: FileNames): string[] {
  return [...idsOf(file), ...addressesOf(file)];
}

/**
 * Whether a text may name this file: by an address, encoded or not, by its name in storage or by its document id.
 * In doubt it does, because a file that is named must not be deleted.
 */
export function mentions(text: string, file: FileNames): boolean {
  return (
    idsOf(file).some((id) => containsId(text, id)) ||
    addressesOf(file).some((address) => text.includes(address))
  );
}

/** Where an address stands in a text, a host before it or not; not where it is the beginning of a longer one. */
export function urlPattern(url: string): RegExp {
  return new RegExp(`${escapePattern(url)}(?![\\w%/-]|\\.\\w)`, 'g');
}

function idsOf({ documentId, hash }: FileNames): string[] {
  const end = plainEndOf(hash);
  return isTelling(end) ? [documentId, end] : [documentId];
}

/** What an address says at its end that the file's name in storage does not. */
function addressesOf({ hash, urls }: FileNames): string[] {
  const end = plainEndOf(hash);
  const ends = urls.flatMap(endsOf);
  return isTelling(end) ? ends.filter((address) => !address.includes(end)) : ends;
}

/** An end that is little more than “.png” would be found everywhere: then the name as it is, and encoded. */
function endsOf(url: string): string[] {
  const end = plainEndOf(url);
  if (/^\w{3}/.test(end)) return [end];
  const name = url.slice(url.lastIndexOf('/') + 1);
  return [name, encodeURIComponent(name)];
}

function isTelling(name: string): boolean {
  return name.length >= SHORTEST_TELLING_HASH;
}

/** What is written the same way wherever it stands, in an address, HTML, JSON or encoded; all if nothing is. */
function plainEndOf(name: string): string {
  return /[\w.-]+$/.exec(name)?.[0] ?? name;
}

function containsId(text: string, id: string): boolean {
  return (
    text.includes(id) && new RegExp(`${escapePattern(id)}(?!${REST_OF_ANOTHER_HASH})`).test(text)
  );
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
