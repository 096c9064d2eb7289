const LONGEST_QUOTE = 160;
/** Longer runs without a blank are no words: encoded pictures, vectors, keys. */
const LONG_RUN = /\S{48,}/g;
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** What may be repeated of a server's own words: the beginning, without the key and without what is no words. */
export function quote(text: string | undefined, apiKey: string): string {
  const line = (text ?? '')
    .replaceAll(apiKey, '…')
    .replace(CONTROL_CHARACTERS, ' ')
    .replace(LONG_RUN, '…')
    .trim()
    .replace(/\.$/, '');
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}
