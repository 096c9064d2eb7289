import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { scanResponseSchema, type ScanResponse } from '../../plugin/src/contracts/duplicates';
import { createDuplicatePairs } from '../../server/src/repositories/duplicate-pairs';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import { createHardNegatives } from '../bench/duplicates/hard-negatives';
import { createLibrary, sampleImage, type FileBytes, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const MOST_PAIRS = 100;

/** A pair as tests name it: the other file and the kind, `ignored` ones marked. */
type Partner = [fileId: number, kind: string];

describe('duplicates in the Media Library', () => {
  let app: StrapiApp;
  let library: Library;
  let elephant: FileBytes;
  let originalId: number;

  beforeAll(async () => {
    app = await startStrapi();
    library = createLibrary(app);
    for (const concept of ['teapot', 'guitar', 'owl', 'castle', 'sunflower']) {
      await upload(await sampleImage(concept));
    }
    elephant = await sampleImage('elephant');
    originalId = await upload(elephant);
  });
  afterAll(async () => {
    await app.stop();
  });

  it("aren't found among different images", async () => {
    expect(await partnersOf(originalId)).toEqual([]);
    expect(await createDuplicatePairs(app.strapi).counts()).toMatchObject({ open: 0 });
  });

  it.each<[string, string, (bytes: Buffer) => Promise<Buffer>]>([
    ['a copy', 'identical', (bytes) => Promise.resolve(bytes)],
    ['one encoded again', 'same-image', (bytes) => sharp(bytes).jpeg({ quality: 60 }).toBuffer()],
    ['a grey one', 'same-image', (bytes) => sharp(bytes).greyscale().jpeg().toBuffer()],
    ['a flipped one', 'edited', (bytes) => sharp(bytes).flop().png().toBuffer()],
    ['a part', 'edited', crop],
    ['one turned to the right', 'edited', (bytes) => sharp(bytes).rotate(90).png().toBuffer()],
    ['one upside down', 'edited', (bytes) => sharp(bytes).rotate(180).png().toBuffer()],
  ])('are found: %s', async (_name, kind, change) => {
    const bytes = await change(elephant.bytes);
    const fileId = await upload({ fileName: 'again.png', bytes });
    expect(await partnersOf(fileId)).toContainEqual([originalId, kind]);
    await remove(fileId);
    expect(await partnersOf(fileId)).toEqual([]);
    expect(await createImageTraces(app.strapi).get([fileId])).toEqual([]);
  });

  it("aren't documents and products that only look alike in miniature", async () => {
    const kinds = ['certificate', 'invoice', 'flat product', 'shaded product'];
    const found: unknown[] = [];
    const pairs = (await createHardNegatives('uploads', 1)).filter(({ kind }) =>
      kinds.includes(kind),
    );
    expect(pairs).toHaveLength(kinds.length);
    for (const { name, one, other } of pairs) {
      const first = await upload({ fileName: `${name}.png`, bytes: one });
      const second = await upload({ fileName: `${name} again.png`, bytes: other });
      found.push(...(await partnersOf(first)), ...(await partnersOf(second)));
      await remove(first);
      await remove(second);
    }
    expect(found).toEqual([]);
  });

  it('are compared again when a file is replaced', async () => {
    const fileId = await upload(elephant);
    expect(await partnersOf(fileId)).toEqual([[originalId, 'identical']]);
    await library.replace(fileId, await sampleImage('pizza'));
    await untilCompared();
    expect(await partnersOf(fileId)).toEqual([]);
    await library.replace(fileId, elephant);
    await untilCompared();
    expect(await partnersOf(fileId)).toEqual([[originalId, 'identical']]);
    await remove(fileId);
  });

  it('keep their review when everything is embedded again', async () => {
    const pairs = createDuplicatePairs(app.strapi);
    const fileId = await upload(elephant);
    const [pair] = await pairs.pairsTouching({ fileIds: [fileId], limit: MOST_PAIRS });
    await pairs.review(pair?.id ?? 0, { status: 'ignored', userId: null, reviewedAt: new Date() });
    await library.reindex('all');
    await untilCompared();
    expect(await pairs.pairsTouching({ fileIds: [fileId], limit: MOST_PAIRS })).toMatchObject([
      { id: pair?.id, status: 'ignored' },
    ]);
    await remove(fileId);
  });

  it('are found by a full scan after their pairs were lost', async () => {
    const pairs = createDuplicatePairs(app.strapi);
    const fileId = await upload(elephant);
    await pairs.removeFiles([fileId]);
    expect(await scan('get')).toMatchObject({ state: 'never', problem: null });
    expect(await scan('delete')).toMatchObject({ state: 'stopped' });
    expect(await scan('post')).toMatchObject({ state: 'running' });
    expect(await pollUntil(() => scan('get'), isDone)).toMatchObject({ found: 0 });
    expect(await scan('post')).toMatchObject({ state: 'running', startedAt: expect.any(String) });
    const done = await pollUntil(() => scan('get'), isDone);
    expect(done).toMatchObject({ found: 1, endedAt: expect.any(String), problem: null });
    expect(done.done).toBe(done.total);
    expect(await partnersOf(fileId)).toEqual([[originalId, 'identical']]);
  });

  async function scan(method: 'get' | 'post' | 'delete'): Promise<ScanResponse['data']> {
    const { body } = await library.call(method, '/image-search/duplicates/scan');
    return scanResponseSchema.parse(body).data;
  }

  function isDone({ state }: ScanResponse['data']): boolean {
    return state === 'done';
  }

  async function upload(file: FileBytes): Promise<number> {
    const [uploaded] = await library.upload(file);
    if (!uploaded) throw new Error('Nothing was uploaded.');
    await untilCompared();
    return uploaded.id;
  }

  async function remove(fileId: number): Promise<void> {
    await library.call('delete', `/upload/files/${String(fileId)}`);
    await untilCompared();
  }

  /** Until everything is indexed, and nothing is left to be compared. */
  async function untilCompared(): Promise<void> {
    const { space } = await app.waitUntilIndexed();
    await pollUntil(
      () => app.strapi.db.query('plugin::image-search.image-trace').findMany({}),
      (rows: { comparedIn: string | null }[]) =>
        rows.every(({ comparedIn }) => comparedIn?.endsWith(space?.id ?? '')),
    );
  }

  async function partnersOf(fileId: number): Promise<Partner[]> {
    const pairs = createDuplicatePairs(app.strapi);
    const found = await pairs.pairsTouching({ fileIds: [fileId], limit: MOST_PAIRS });
    return found.map(({ fileA, fileB, verdict }) => [
      fileA === fileId ? fileB : fileA,
      verdict.kind,
    ]);
  }
});

async function crop(bytes: Buffer): Promise<Buffer> {
  const { width, height } = await sharp(bytes).metadata();
  const part = { width: Math.round(width * 0.8), height: Math.round(height * 0.8) };
  return sharp(bytes)
    .extract({ left: 5, top: height - part.height, ...part })
    .png()
    .toBuffer();
}
