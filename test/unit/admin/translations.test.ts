import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createIntl } from 'react-intl';
import english from '../../../admin/src/translations/en.json';
import { languages, loadMessages } from '../../../admin/src/translations/messages';
import { repositoryFolder } from '../../support/paths';

const files = readdirSync(path.join(repositoryFolder, 'admin/src/translations')).filter((name) =>
  name.endsWith('.json'),
);

type MessageFormat = ReturnType<ReturnType<typeof createIntl>['formatters']['getMessageFormat']>;
type MessageParts = ReturnType<MessageFormat['getAst']>;

/** Kinds of parts that stand for themselves, as react-intl's parser numbers them. */
const plainKinds = new Set<number>([0]);

/** The placeholders of each text, sorted. Throws for a text that can't be parsed. */
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

/** All sources of the panel except its texts. */
const sources = readdirSync(path.join(repositoryFolder, 'admin/src'), { recursive: true })
  .map(String)
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('translations'))
  .map((file) => readFileSync(path.join(repositoryFolder, 'admin/src', file), 'utf8'))
  .join('\n');

/** Whether the key occurs in the sources, or matches a template there. */
function createUseCheck(): (key: string) => boolean {
  const written = new Set([...sources.matchAll(/'([a-z]+\.[^'\n]+)'/g)].map(([, text]) => text));
  const templates = [...sources.matchAll(/`([a-z]+\.[^`\n]*)`/g)].map(
    ([, template = '']) =>
      new RegExp(`^${template.replaceAll('.', '\\.').replace(/\$\{[^}]*\}/g, '[\\w-]+')}$`),
  );
  return (key) => written.has(key) || templates.some((template) => template.test(key));
}

describe('The panel’s translations', () => {
  it('are offered in every language that has texts', () => {
    const offered = ['en', ...Object.keys(languages)].map((language) => `${language}.json`);
    expect(offered.sort()).toEqual(files.sort());
  });

  it.each(Object.entries(languages))(
    'are complete in %s, with the same placeholders',
    async (language, load) => {
      const { default: texts } = await load();
      expect(valueNames(texts, language)).toEqual(valueNames(english, 'en'));
    },
  );

  it('are all used', () => {
    const isUsed = createUseCheck();
    expect(Object.keys(english).filter((key) => !isUsed(key))).toEqual([]);
  });

  it('fall back to English in an unsupported language', async () => {
    const messages = await loadMessages('xx');
    expect(messages).toEqual(await loadMessages('en'));
    expect(messages['image-search.search.title']).toBe(english['search.title']);
  });
});
