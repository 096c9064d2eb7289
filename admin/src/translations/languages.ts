import english from './en/all';
import { toMessages, type LanguagePages } from './messages';

type LoadLanguage = () => Promise<{ default: LanguagePages }>;

/** By Strapi's codes; English is always there. */
export const languages: Record<string, LoadLanguage> = {
  de: () => import('./de/all'),
  es: () => import('./es/all'),
  fr: () => import('./fr/all'),
  ja: () => import('./ja/all'),
  'zh-Hans': () => import('./zh-Hans/all'),
};

/** Never rejects: a language that cannot be loaded, or that there is none of, reads English. */
export async function loadMessages(locale: string): Promise<Record<string, string>> {
  try {
    const language = await languages[locale]?.();
    return toMessages(language?.default ?? english);
  } catch {
    return toMessages(english);
  }
}
