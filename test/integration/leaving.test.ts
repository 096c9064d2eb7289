import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { noFigures } from '../../plugin/src/billing/contract';
import { releaseTables } from '../../server/src/migrations';
import { DUPLICATE_PAIR_UID } from '../../server/src/plugin-id';
import { createDuplicatePairs } from '../../server/src/repositories/duplicate-pairs';
import { createUsageRecords, listAllUsage } from '../../server/src/repositories/usage-records';
import { startCommand, type CommandEnd } from '../support/copy-command';
import { createLibrary, sampleImage } from '../support/library';
import { pollUntil } from '../support/polling';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const USAGE_TABLE = 'image_search_embedding_usages';
const bill = { month: '2026-01', provider: 'voyage', model: 'voyage-multimodal-3.5' };

/** One library whose Strapi loses the plugin and gets it back: each test continues where the one before ended. */
describe('a project without the plugin for a while', () => {
  let dataFolder: string;
  let app: StrapiApp;

  beforeAll(async () => {
    dataFolder = await createDataFolder();
    await start();
    const [dog, guitar] = await Promise.all([sampleImage('dog'), sampleImage('guitar')]);
    await createLibrary(app).upload(dog, { ...dog, fileName: 'same-dog.png' }, guitar);
    await untilPaired();
    const [pair] = (await pairs().list({ status: 'open', cursor: null, limit: 10 })).pairs;
    const reviewedAt = new Date('2026-01-02T03:04:05.000Z');
    await pairs().review(pair?.id ?? 0, { status: 'ignored', userId: 1, reviewedAt });
    const figures = { ...noFigures, images: 1_200, imageTokens: 5_000_000_000, cost: 1.25 };
    await createUsageRecords(app.strapi).add(bill, figures);
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('loses nothing', async () => {
    const before = await readAll();
    await app.stop();
    for (let boot = 1; boot <= 2; boot += 1) {
      await start({ isPluginEnabled: false });
      expect(await app.strapi.db.connection.schema.hasTable(USAGE_TABLE)).toBe(true);
      await app.stop();
    }
    await start();
    await app.waitUntilIndexed();
    expect(await readAll()).toEqual(before);
  });

  it('gets its reviews and its usage back from a file if the tables are gone', async () => {
    const file = path.join(dataFolder, 'reviews.json');
    const before = await readAll();
    expect(await command('export-reviews', file)).toMatchObject({ code: 0 });
    const text = await readFile(file, 'utf8');
    expect(text).not.toMatch(/"fileA"|"id"/);

    await releaseTables(app.strapi);
    await app.stop();
    await start({ isPluginEnabled: false });
    expect(await app.strapi.db.connection.schema.hasTable(USAGE_TABLE)).toBe(false);
    await app.stop();
    await start();
    await untilPaired();
    expect(await pairs().counts()).toMatchObject({ open: 1, ignored: 0 });

    for (let time = 1; time <= 2; time += 1) {
      const { code, errors } = await command('import-reviews', file);
      expect(errors).toMatch(/Imported 1 ignored pairs and \d usage records\./);
      expect(code).toBe(0);
      const { bill: billNow, ignored } = await readAll();
      expect(ignored).toEqual(before.ignored);
      expect(billNow).toEqual(before.bill);
    }
  });

  it('keeps reviews that find no files, and says that a file is none', async () => {
    const file = path.join(dataFolder, 'reviews.json');
    const exported = JSON.parse(await readFile(file, 'utf8')) as {
      ignoredPairs: { contentHashes: string[] }[];
    };
    const unknown = 'f'.repeat(64);
    exported.ignoredPairs[0]?.contentHashes.splice(1, 1, unknown);
    await writeFile(file, JSON.stringify(exported));
    const { code, errors } = await command('import-reviews', file);
    expect(errors).toMatch(new RegExp(`Kept 1 more ignored pairs[\\s\\S]*${unknown}`));
    expect(code).toBe(0);
    const again = path.join(dataFolder, 'reviews-again.json');
    expect(await command('export-reviews', again)).toMatchObject({ code: 0 });
    const kept = JSON.parse(await readFile(again, 'utf8')) as typeof exported;
    const hashes = (pairs: typeof exported): string[] =>
      pairs.ignoredPairs.map(({ contentHashes }) => [...contentHashes].sort().join(' '));
    expect(hashes(kept)).toHaveLength(2);
    expect(hashes(kept)).toEqual(expect.arrayContaining(hashes(exported)));
    await writeFile(file, JSON.stringify({ ...exported, version: 2 }));
    const newer = await command('import-reviews', file);
    expect(newer.errors).toMatch(/isn't a file of exported reviews[\s\S]*version/);
    expect(newer.code).toBe(1);
    expect((await command('import-reviews')).code).toBe(2);
  });

  it('keeps everything until a purge is confirmed, and nothing after it', async () => {
    const vectorFile = path.join(dataFolder, 'image-search.sqlite');
    await app.stop();
    const asked = await command('doctor', '--purge');
    expect(asked.errors).toContain(`the vector file ${vectorFile}`);
    expect(asked.errors).toContain('Nothing was deleted');
    expect(asked.code).toBe(1);
    expect(existsSync(vectorFile)).toBe(true);

    expect(await command('doctor', '--purge', '--yes')).toMatchObject({ code: 0 });
    expect(existsSync(vectorFile)).toBe(false);
    await start({ isPluginEnabled: false });
    expect(await app.strapi.db.connection.schema.hasTable(USAGE_TABLE)).toBe(false);
  });

  const pairs = () => createDuplicatePairs(app.strapi);

  async function start(options: { isPluginEnabled?: boolean } = {}): Promise<void> {
    app = await startStrapi({ dataFolder, ...options });
  }

  function command(...given: string[]): Promise<CommandEnd> {
    return startCommand({ given, dataFolder }).end;
  }

  async function untilPaired(): Promise<void> {
    await app.waitUntilIndexed();
    await pollUntil(
      () => app.strapi.db.query(DUPLICATE_PAIR_UID).count(),
      (count: number) => count === 1,
    );
  }

  /** What people reviewed, what was paid, and what is indexed. */
  async function readAll() {
    const { pairs: ignored } = await pairs().list({ status: 'ignored', cursor: null, limit: 10 });
    const { counts } = await app.readStatus();
    const usage = await listAllUsage(app.strapi);
    return {
      ignored: ignored.map(({ contentHashA, contentHashB, reviewedAt, fileA, fileB, verdict }) => ({
        contentHashA,
        contentHashB,
        reviewedAt,
        fileA,
        fileB,
        verdict,
      })),
      bill: usage.filter(({ provider }) => provider === bill.provider),
      counts,
      ownImages: usage.find(({ provider }) => provider === 'clip')?.images,
    };
  }
});
