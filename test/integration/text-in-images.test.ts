import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { checksResponseSchema } from '../../plugin/src/contracts/checks';
import { fileIndexResponseSchema } from '../../plugin/src/contracts/file-status';
import { searchResponseSchema, type SearchResponse } from '../../plugin/src/contracts/search';
import { pollUntil } from '../support/polling';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';
import { imageWithText } from '../support/text-image';

const TIMEOUT_MS = 90_000;

describe('text in images', () => {
  let dataFolder: string;
  let app: StrapiApp;
  let invoiceId: number;
  beforeAll(async () => {
    dataFolder = await createDataFolder();
    app = await start([]);
    const invoice = await imageWithText(['INVOICE 4711', 'Straße 12, Größe M']);
    invoiceId = (await app.uploadThroughAdmin(invoice, 'scan.png')).id;
    await app.waitUntilIndexed();
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  function start(languages: string[]): Promise<StrapiApp> {
    return startStrapi({
      dataFolder,
      imageSearch: { words: { enabled: true }, ocr: { languages } },
    });
  }

  async function findWords(text: string): Promise<SearchResponse['data']> {
    const { body } = await app.request
      .get('/image-search/search')
      .query({ text, mode: 'text' })
      .auth(await app.adminToken(), { type: 'bearer' });
    return searchResponseSchema.parse(body).data;
  }

  const findSoon = (text: string) =>
    pollUntil(
      () => findWords(text),
      ({ length }) => length > 0,
      { timeoutMs: TIMEOUT_MS },
    );

  async function textOf(fileId: number): Promise<string | null> {
    const { body } = await app.request
      .get(`/image-search/files/${String(fileId)}/index`)
      .auth(await app.adminToken(), { type: 'bearer' });
    return fileIndexResponseSchema.parse(body).data.text;
  }

  it("isn't read unless languages are configured", async () => {
    expect(await findWords('invoice')).toEqual([]);
    expect(await textOf(invoiceId)).toBeNull();
  });

  it('of a library that was indexed before is read once they are, and nothing embedded again', async () => {
    const before = (await app.readStatus()).usage.providers;
    await app.stop();
    app = await start(['deu', 'eng']);
    const [hit] = await findSoon('invoice 4711');
    expect(hit).toMatchObject({ file: { id: invoiceId }, matchedBy: ['text'] });
    expect(await findWords('größe')).toHaveLength(1);
    expect(await textOf(invoiceId)).toContain('INVOICE 4711 Straße');
    expect((await app.readStatus()).usage.providers).toEqual(before);
  });

  it('of an upload that is stored on its side is read upright', async () => {
    const upright = await imageWithText(['BOARDING PASS']);
    // So small that Strapi doesn't save it again, without its orientation.
    const onItsSide = await sharp(upright)
      .rotate(90)
      .withMetadata({ orientation: 8 })
      .jpeg({ quality: 40 })
      .toBuffer();
    const { id } = await app.uploadThroughAdmin(onItsSide, 'photo.jpg');
    const [hit] = await findSoon('boarding');
    expect(hit).toMatchObject({ file: { id }, matchedBy: ['text'] });
  });
});

it('names the packages of a language that is not installed, and indexes images without it', async () => {
  const app = await startStrapi({ imageSearch: { ocr: { languages: ['eng', 'tlh'] } } });
  try {
    await app.uploadThroughAdmin(await imageWithText(['INVOICE']), 'scan.png');
    await app.waitUntilIndexed();
    const { body } = await app.request
      .get('/image-search/checks')
      .auth(await app.adminToken(), { type: 'bearer' });
    const { checks } = checksResponseSchema.parse(body).data;
    expect(checks.find(({ id }) => id === 'ocr')).toMatchObject({
      status: 'warning',
      advice: expect.stringContaining('npm install @tesseract.js-data/tlh'),
    });
  } finally {
    await app.stop();
  }
});
