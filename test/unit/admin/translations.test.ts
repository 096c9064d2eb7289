import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import english from '../../../admin/src/translations/en/all';
import { languages, loadMessages } from '../../../admin/src/translations/languages';
import { toMessages, type LanguagePages } from '../../../admin/src/translations/messages';
import { repositoryFolder } from '../../support/paths';

const folders = readdirSync(path.join(repositoryFolder, 'admin/src/translations'), {
  withFileTypes: true,
}).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** Pages whose texts are there in every language. */
const completePages = ['common', 'index', 'search', 'widgets'] as const;
const cases = Object.entries(languages).flatMap(([language, load]) =>
  completePages.map((page) => ({ language, page, load })),
);

/** What stands in braces: the values that a text is given. Not what a plural says in one of its cases. */
function valuesIn(text: string): string[] {
  return [...text.matchAll(/(?<!(?:one|other|=\d+) )\{(\w+)[},]/g)]
    .map(([, name = '']) => name)
    .sort();
}

function valueNames(texts: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, [...new Set(valuesIn(text))]]),
  );
}

describe('The panel’s translations', () => {
  it('are offered in every language that there are texts of', () => {
    expect(['en', ...Object.keys(languages)].sort()).toEqual(folders.sort());
  });

  it.each(Object.entries(languages))('have no text in %s that English lacks', async (_, load) => {
    const { default: pages } = await load();
    const known = new Set(Object.keys(toMessages(english)));
    expect(Object.keys(toMessages(pages)).filter((id) => !known.has(id))).toEqual([]);
  });

  it.each(cases)(
    'say all of "$page" in $language, with the same values',
    async ({ page, load }) => {
      const { default: pages }: { default: LanguagePages } = await load();
      expect(valueNames(pages[page])).toEqual(valueNames(english[page]));
    },
  );

  it('read English in a language that there is none of', async () => {
    expect(await loadMessages('xx')).toEqual(toMessages(english));
  });
});
