import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startByteServer, type ByteServer } from '../support/byte-server';
import { createLibrary, samplePicture, type Library } from '../support/library';
import { insertRaw } from '../support/library-rows';
import { pollUntil } from '../support/polling';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

describe('a remote storage in a private network that is not listed', () => {
  let app: StrapiApp;
  let library: Library;
  let storage: ByteServer;

  beforeAll(async () => {
    storage = await startByteServer();
    app = await startStrapi();
    library = createLibrary(app);
  });
  afterAll(async () => {
    await app.stop();
    await storage.close();
  });

  it('is never asked; the status names the setting, and files of other storage are indexed', async () => {
    const far = await insertRaw(app.strapi, {
      name: 'far away.jpg',
      hash: 'far',
      ext: '.jpg',
      mime: 'image/jpeg',
      size: 12,
      width: 10,
      height: 10,
      url: `${storage.origin}/far.jpg`,
      provider: 'far-away-storage',
    });
    expect(await library.reindex('missing')).toBe(1);
    const paused = await pollUntil(
      () => app.readStatus(),
      ({ worker }) => worker.state === 'paused',
    );
    expect(paused.worker.pause).toMatchObject({
      code: 'storage-refused',
      message: expect.stringMatching(/"far away\.jpg".*127\.0\.0\.1.*indexing\.allowedHosts/),
    });
    const near = await library.upload(await samplePicture('dog'), await samplePicture('guitar'));
    await library.reindex('missing');
    await pollUntil(
      () => app.readStatus(),
      ({ counts }) => counts.indexed === near.length,
    );
    const { counts } = await app.readStatus();
    expect(counts).toMatchObject({ failed: 0, skipped: 0 });
    expect(await library.entry(far)).toMatchObject({ indexedAt: null });
    expect((await library.findText('a dog'))[0]).toBe(near[0]?.id);
    expect(storage.requests).toEqual([]);
  });
});
