/** Where PDFium joins a word that is hyphenated at the end of a line. */
const HYPHENS = new RegExp(`[${String.fromCharCode(2, 0xfffe)}]\\s*`, 'g');
/** What databases refuse, and nobody searches for. */
const UNUSED = /[\p{Cc}\p{Cn}\p{Cs}\u{fffd}\s]+/gu;

/** Text as a file says it, on one line and without what nobody searches for. */
export function cleanText(text: string): string {
  return text.replace(HYPHENS, '').replace(UNUSED, ' ').trim();
}
