import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ErrorCode } from '../../plugin/src/errors';
import { startByteServer } from '../support/byte-server';
import { createLibrary, sampleImage, type Entry, type Library } from '../support/library';
import { insertRaw, placeForRow } from '../support/library-rows';
import { storedIds } from '../support/stored-vectors';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import {
  createBrokenFiles,
  createHostileSvg,
  createLargeFiles,
  createUncommonImages,
  type UnusualFile,
} from '../support/unusual-files';

describe('unusual files', () => {
  const outside = startByteServer();
  let files: Record<string, UnusualFile>;
  let app: StrapiApp;
  let library: Library;

  beforeAll(async () => {
    files = {
      ...(await createBrokenFiles()),
      ...(await createLargeFiles()),
      ...(await createUncommonImages()),
      'a hostile SVG': createHostileSvg((await outside).origin),
    };
  });
  afterAll(async () => {
    await app.stop();
    await (await outside).close();
  });

  it('are accepted or rejected as they are without the plugin', async () => {
    app = await startStrapi({ isPluginEnabled: false });
    const without = await uploadAll();
    await app.stop();
    app = await startStrapi();
    const withPlugin = await uploadAll();
    expect(Object.values(without).map(({ status }) => status)).toEqual(
      expect.arrayContaining([201, 400]),
    );
    expect(withPlugin).toEqual(without);
  });

  it("don't prevent others from being indexed", async () => {
    const [dog] = await library.upload(await sampleImage('dog'));
    await app.waitUntilIndexed();
    expect(await library.entry(dog?.id ?? 0)).toMatchObject({ state: 'indexed' });
  });

  /** As when it came by an import, or with another version of Strapi: these are the bytes that are read. */
  async function place(kind: string): Promise<Entry> {
    const file = files[kind];
    if (!file) throw new RangeError(`There is no file for "${kind}".`);
    const ext = path.extname(file.fileName);
    const id = await insertRaw(app.strapi, await placeForRow(app.strapi, { ...file, ext }));
    await library.reindex('missing');
    await app.waitUntilIndexed();
    return library.entry(id);
  }

  it.each<[kind: string, state: 'failed' | 'skipped', code: ErrorCode, message: RegExp]>([
    ['text named .jpg', 'failed', 'image-unreadable', /isn't an image/],
    ['an empty file', 'failed', 'image-unreadable', /empty/],
    ['a JPEG without its second half', 'failed', 'image-unreadable', /damaged|truncated/],
    ['a PNG without its second half', 'failed', 'image-unreadable', /damaged|truncated/],
    ['a JPEG without anything but its header', 'failed', 'image-unreadable', /./],
    ['an image of 900 million pixels', 'skipped', 'image-too-large', /30000 × 30000/],
    ['a file of 60 MB', 'skipped', 'image-too-large', /60000.* kB.*indexing\.maxBytes/],
  ])('%s is %s with %s', async (kind, state, code, message) => {
    const entry = await place(kind);
    expect(entry).toMatchObject({ state, attempts: 1, indexedAt: null });
    expect(entry.error?.code).toBe(code);
    expect(entry.error?.message).toMatch(message);
    expect(await storedIds(app)).not.toContain(entry.fileId);
    // Nothing gets better by looking again.
    expect(await library.reindex('missing')).toBe(0);
  });

  it('are retried together on request', async () => {
    const { counts } = await app.waitUntilIndexed();
    expect(counts.skipped).toBeGreaterThan(0);
    expect(await library.reindex('skipped')).toBe(counts.skipped);
    expect((await app.waitUntilIndexed()).counts).toEqual(counts);
  });

  it.each(['an animation', 'a CMYK JPEG', 'a PNG of 16 bits', 'an AVIF', 'a TIFF'])(
    '%s is found by what it shows',
    async (kind) => {
      const entry = await place(kind);
      expect(entry).toMatchObject({ state: 'indexed', error: null });
      const found = await library.findImage(await sampleImage('dog'));
      expect(found.get(entry.fileId)).toBeGreaterThan(0.85);
    },
  );

  it('a hostile SVG is drawn without any request', async () => {
    const { requests } = await outside;
    expect(await place('a hostile SVG')).toMatchObject({ state: 'indexed', error: null });
    expect(requests).toEqual([]);
  });

  type Answer = Record<string, unknown> & { status: number };

  /** What Strapi answers to each, without what differs from upload to upload. */
  async function uploadAll(): Promise<Record<string, Answer>> {
    library = createLibrary(app);
    const answers: Record<string, Answer> = {};
    for (const [kind, file] of Object.entries(files)) {
      const { body, status } = await library.send('/upload', [file]);
      const [uploaded] = Array.isArray(body) ? (body as Record<string, unknown>[]) : [];
      const { error } = body as { error?: unknown };
      const { ext, mime, size, width, height, name, provider } = uploaded ?? {};
      answers[kind] = { status, error, ext, mime, size, width, height, name, provider };
    }
    return answers;
  }
});
