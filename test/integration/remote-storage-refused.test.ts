import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startByteServer, type ByteServer } from '../support/byte-server';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { insertRaw } from '../support/library-rows';
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

  it('gets no request; the file names the setting, and files in other storage are indexed', async () => {
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
    const near = await library.upload(await sampleImage('dog'), await sampleImage('guitar'));
    const { counts, worker } = await app.waitUntilIndexed();
    expect(counts).toMatchObject({ indexed: near.length, failed: 1, skipped: 0 });
    expect(worker.pause).toBeNull();
    expect(await library.entry(far)).toMatchObject({
      state: 'failed',
      error: {
        code: 'storage-refused',
        message: expect.stringMatching(/"far away\.jpg".*127\.0\.0\.1.*indexing\.allowedHosts/),
      },
    });
    expect((await library.findText('a dog'))[0]).toBe(near[0]?.id);
    expect(storage.requests).toEqual([]);
  });
});
