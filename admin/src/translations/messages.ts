import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';
import english from './en/all';

type Pages = typeof english;

/** A text of the panel: the name of its file, then its key there. */
export type TextKey = {
  [Page in keyof Pages]: `${Page}.${keyof Pages[Page] & string}`;
}[keyof Pages];

/** A language's texts, by the files that they are kept in; what is missing is shown in English. */
export type LanguagePages = Record<keyof Pages, Record<string, string>>;

/** Strapi keeps the texts of all plugins in one table. */
export function messageId(key: TextKey): string {
  return `${PLUGIN_ID}.${key}`;
}

/** A language as Strapi wants it: one flat table with English where a text is missing. */
export function toMessages(pages: LanguagePages): Record<string, string> {
  return { ...flatten(english), ...flatten(pages) };
}

const englishMessages = flatten(english);

export function englishMessage(key: TextKey): string {
  return englishMessages[messageId(key)] ?? key;
}

function flatten(pages: LanguagePages): Record<string, string> {
  return Object.fromEntries(
    Object.entries(pages).flatMap(([page, texts]) =>
      Object.entries(texts).map(([key, text]) => [`${PLUGIN_ID}.${page}.${key}`, text]),
    ),
  );
}
