import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';
import english from './en.json';

/** A text of the panel, such as `search.title`. */
export type TextKey = keyof typeof english;

type Texts = Record<string, string>;

/** Loaders by Strapi's language codes; a language is fetched only when a user has chosen it. */
export const languages: Record<string, () => Promise<{ default: Texts }>> = {
  de: () => import('./de.json'),
  es: () => import('./es.json'),
  fr: () => import('./fr.json'),
  ja: () => import('./ja.json'),
  'zh-Hans': () => import('./zh-Hans.json'),
};

/**
 * All texts of a language by message id. Never rejects: English fills in for missing texts, for a missing language and
 * for one that fails to load.
 */
export async function loadMessages(locale: string): Promise<Texts> {
  const texts = await languages[locale]?.().then(
    (language) => language.default,
    () => undefined,
  );
  return Object.fromEntries(
    Object.entries({ ...english, ...texts }).map(([key, text]) => [`${PLUGIN_ID}.${key}`, text]),
  );
}

/** Strapi keeps the texts of all plugins in one flat table; this is a text's id there. */
export function messageId(key: TextKey): string {
  return `${PLUGIN_ID}.${key}`;
}

export function englishMessage(key: TextKey): string {
  return english[key];
}
