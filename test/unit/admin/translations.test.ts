import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { languages, loadMessages } from '../../../admin/src/translations/languages';
import { toMessages } from '../../../admin/src/translations/messages';
import english from '../../../admin/src/translations/en/all';
import { repositoryFolder } from '../../support/paths';

const folders = readdirSync(path.join(repositoryFolder, 'admin/src/translations'), {
  withFileTypes: true,
}).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe('The panel’s translations', () => {
  it('are offered in every language that there are texts of', () => {
    expect(['en', ...Object.keys(languages)].sort()).toEqual(folders.sort());
  });

  it.each(Object.entries(languages))('have no text in %s that English lacks', async (_, load) => {
    const { default: pages } = await load();
    const known = new Set(Object.keys(toMessages(english)));
    expect(Object.keys(toMessages(pages)).filter((id) => !known.has(id))).toEqual([]);
  });

  it('read English in a language that there is none of', async () => {
    expect(await loadMessages('xx')).toEqual(toMessages(english));
  });
});
