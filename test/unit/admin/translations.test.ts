import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createIntl } from 'react-intl';
import english from '../../../admin/src/translations/en/all';
import { languages, loadMessages } from '../../../admin/src/translations/languages';
import { toMessages, type LanguagePages } from '../../../admin/src/translations/messages';
import { repositoryFolder } from '../../support/paths';

const folders = readdirSync(path.join(repositoryFolder, 'admin/src/translations'), {
  withFileTypes: true,
}).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

const pageNames = ['common', 'duplicates', 'index', 'search', 'widgets'] as const;
const cases = Object.entries(languages).flatMap(([language, load]) =>
  pageNames.map((page) => ({ language, page, load })),
);

type MessageFormat = ReturnType<ReturnType<typeof createIntl>['formatters']['getMessageFormat']>;
type MessageParts = ReturnType<MessageFormat['getAst']>;

/** Kinds of parts that stand for themselves, as react-intl's parser numbers them. */
const plainKinds = new Set<number>([0]);

/** The values that each text is given, sorted; fails for a text that cannot be parsed. */
function valueNames(texts: Record<string, string>, language: string): Record<string, string[]> {
  const { formatters } = createIntl({ locale: language });
  return Object.fromEntries(
    Object.entries(texts).map(([key, text]) => {
      const parts = formatters.getMessageFormat(text, language).getAst();
      return [key, [...new Set(namesIn(parts))].sort()];
    }),
  );
}

function namesIn(parts: MessageParts): string[] {
  return parts.flatMap((part) => {
    if (!('value' in part) || plainKinds.has(part.type)) return [];
    if (!('options' in part)) return [part.value];
    return [part.value, ...Object.values(part.options).flatMap(({ value }) => namesIn(value))];
  });
}

/** All of the panel but its texts. */
const sources = readdirSync(path.join(repositoryFolder, 'admin/src'), { recursive: true })
  .map(String)
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('translations'))
  .map((file) => readFileSync(path.join(repositoryFolder, 'admin/src', file), 'utf8'))
  .join('\n');

/** Whether it stands in the sources as it is, or fits a template there. */
function createUseCheck(): (key: string) => boolean {
  const written = new Set([...sources.matchAll(/'([a-z]+\.[^'\n]+)'/g)].map(([, text]) => text));
  const templates = [...sources.matchAll(/`([a-z]+\.[^`\n]*)`/g)].map(
    ([, template = '']) =>
      new RegExp(`^${template.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '[\\w-]+')}$`),
  );
  return (key) => written.has(key) || templates.some((template) => template.test(key));
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
    async ({ language, page, load }) => {
      const { default: pages }: { default: LanguagePages } = await load();
      expect(valueNames(pages[page], language)).toEqual(valueNames(english[page], 'en'));
    },
  );

  it('are all used', () => {
    const isUsed = createUseCheck();
    const keys = Object.entries(english).flatMap(([page, texts]) =>
      Object.keys(texts).map((key) => `${page}.${key}`),
    );
    expect(keys.filter((key) => !isUsed(key))).toEqual([]);
  });

  it('read English in a language that there is none of', async () => {
    expect(await loadMessages('xx')).toEqual(toMessages(english));
  });
});
