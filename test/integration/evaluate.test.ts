import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FILE_UID } from '../../server/src/plugin-id';
import { startCommand } from '../support/copy-command';
import { createLibrary, sampleImage } from '../support/library';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

/** The command beside a running Strapi. */
describe('evaluate', () => {
  let app: StrapiApp;
  let files: readonly { id: number }[];

  beforeAll(async () => {
    app = await startStrapi();
    const samples = ['dog', 'guitar', 'pizza', 'owl'] as const;
    files = await createLibrary(app).upload(...(await Promise.all(samples.map(sampleImage))));
    await app.waitUntilIndexed();
  });
  afterAll(() => app.stop());

  const inData = (name: string): string => path.join(app.dataFolder, name);

  function evaluate(...given: string[]) {
    return startCommand({ given: ['evaluate', ...given], dataFolder: app.dataFolder }).end;
  }

  async function nameOf(alternativeText: string): Promise<{ id: number; name: string }> {
    const query = { where: { alternativeText }, select: ['id', 'name'] };
    return (await app.strapi.db.query(FILE_UID).findOne(query)) as { id: number; name: string };
  }

  it('makes golden queries of alternative texts, and finds out how they are answered', async () => {
    const texts = ['a dog', 'a guitar', 'a pizza'];
    for (const [index, alternativeText] of texts.entries()) {
      const where = { id: (files[index] as { id: number }).id };
      await app.strapi.db.query(FILE_UID).update({ where, data: { alternativeText } });
    }
    const golden = inData('golden.yaml');
    const made = await evaluate(golden, '--generate');
    expect(made.errors).toContain('Wrote 3 queries');
    const { name } = await nameOf('a guitar');
    expect(await readFile(golden, 'utf8')).toContain(
      `- query: a guitar\n    expect:\n      - ${name}`,
    );

    const { code, errors, output } = await evaluate(golden);
    expect(errors).toBe('');
    expect(code).toBe(0);
    expect(output).toContain('3 queries with files to find, 0 with none');
    expect(output).toMatch(/^images +4 of 4$/m);
    expect(output).toMatch(/^recall@1 +100\.0%$/m);
  });

  it('names what went wrong, and fails below a bar', async () => {
    const dog = await nameOf('a dog');
    const golden = inData('wrong.json');
    const queries = [
      { query: 'a guitar', expect: [dog.id] },
      { query: 'a dog', filter: { alternativeText: 'a dog' } },
      { query: 'qzxv wkpf', expect: [] },
    ];
    await writeFile(golden, JSON.stringify({ queries }));
    const figures = inData('figures.json');
    const { code, errors, output } = await evaluate(
      ...[golden, '--min', 'recall@1=0.9', '--json', figures, '--worst', '1'],
    );
    expect(code).toBe(1);
    expect(errors).toContain('recall@1 is 0.500, below 0.9.');
    const { name } = await nameOf('a guitar');
    expect(output).toContain(`"a guitar": first at `);
    expect(output).toContain(`expected ${dog.name}; found ${name}, `);
    expect(output).toMatch(/^nothing close, rightly +100\.0%$/m);
    const [run] = (JSON.parse(await readFile(figures, 'utf8')) as { runs: unknown[] }).runs;
    expect(run).toMatchObject({
      summary: { queries: { answerable: 2, empty: 1 }, 'recall@1': 0.5 },
      queries: [{ expected: [dog] }, { rank: 1 }, { rank: null, isNothingClose: true }],
    });
  });

  it('says which names the library lacks, and which space it lacks', async () => {
    const golden = inData('unknown.yaml');
    await writeFile(golden, 'queries:\n  - query: a cat\n    expect: [cat.png, 99999]\n');
    const unknown = await evaluate(golden);
    expect(unknown).toMatchObject({ code: 1, output: '' });
    expect(unknown.errors).toContain('no image called "cat.png", "99999"');

    const elsewhere = await evaluate(inData('golden.yaml'), '--space', 'clip-elsewhere');
    expect(elsewhere.code).toBe(1);
    expect(elsewhere.errors).toContain('clip-elsewhere');
  });
});
