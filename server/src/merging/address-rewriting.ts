import { mentions, urlPattern } from '../usage/mentions';
import { namesOf, type LibraryFile } from '../usage/library-files';

/** What became of a text; with an obstacle it is as it was. */
export interface Rewriting<Value> {
  value: Value;
  /** Why it could not be rewritten; null when it was. */
  obstacle: string | null;
}

/** Ends of addresses that are valid for one file alone. */
const SIGNATURE = /[?&](?:x-amz-|x-goog-|signature=|sig=|token=|expires=)/i;
/** Characters that end an address in Markdown or HTML. */
const ENDS_ADDRESS = /[\s"'<>()[\]{}\\`]/;

const NOT_EXACT =
  'The text names the file, but not by one of its addresses alone: it may be encoded, signed or mentioned.';

/**
 * Makes a text that embeds a copy embed the kept file: each address of the copy or of one of its formats becomes that
 * of the kept file's format of that name, else of its original. A host before the address stays. All or nothing.
 */
export function rewriteAddresses(
  text: string,
  { copy, keep }: { copy: LibraryFile; keep: LibraryFile },
): Rewriting<string> {
  const refuse = (obstacle: string) => ({ value: text, obstacle });
  let rewritten = text;
  for (const [from, to] of addressPairs(copy, keep)) {
    if (!rewritten.includes(from)) continue;
    if (isRelative(from) !== isRelative(to)) {
      return refuse('One of the two files is stored elsewhere than the other.');
    }
    if (ENDS_ADDRESS.test(to)) return refuse('The address of the kept file does not fit a text.');
    if (isSigned(rewritten, from)) return refuse('The address is signed for this file alone.');
    rewritten = rewritten.replace(urlPattern(from), () => to);
  }
  if (mentions(rewritten, namesOf(copy))) return refuse(NOT_EXACT);
  return { value: rewritten, obstacle: null };
}

/** Longer addresses first, for one may be the beginning of another. */
function addressPairs(copy: LibraryFile, keep: LibraryFile): [from: string, to: string][] {
  const pairs = Object.entries(copy.formats ?? {}).map(([name, { url }]): [string, string] => [
    url,
    keep.formats?.[name]?.url ?? keep.url,
  ]);
  pairs.push([copy.url, keep.url]);
  return pairs.sort(([left], [right]) => right.length - left.length);
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
