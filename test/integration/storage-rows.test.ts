import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startByteServer, type ByteServer } from '../support/byte-server';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { insertRaw, placeForRow } from '../support/library-rows';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const PROVIDER = 'bucket';
const SIGNATURE = 'signature=secret';

describe('rows of the library', () => {
  let bucket: ByteServer;
  let app: StrapiApp;
  let library: Library;

  beforeAll(async () => {
    bucket = await startByteServer();
    const indexing = { allowedHosts: ['127.0.0.1'], maxAttempts: 1 };
    app = await startStrapi({ imageSearch: { indexing } });
    library = createLibrary(app);
  });
  afterAll(async () => {
    await app.stop();
    await bucket.close();
  });

  /** As imports and raw SQL leave it: any column may be empty, and there may be more of them. */
  async function insert(row: object): Promise<number> {
    const { bytes } = await sampleImage('dog');
    const placed = await placeForRow(app.strapi, { bytes, ext: '.png', mime: 'image/png' });
    return insertRaw(app.strapi, { ...placed, ...row });
  }

  it('are passed as a whole to the storage that signs their URLs', async () => {
    const { bytes } = await sampleImage('cat');
    bucket.on('/signed.png', ({ url }, response) => {
      if (url?.endsWith(SIGNATURE)) response.end(bytes);
      else response.writeHead(403).end();
    });
    app.strapi.config.set('plugin::upload.provider', PROVIDER);
    const { provider } = app.strapi.plugin('upload') as unknown as {
      provider: { isPrivate(): Promise<boolean>; getSignedUrl(file: object): Promise<object> };
    };
    const url = `${bucket.origin}/signed.png`;
    jest.spyOn(provider, 'isPrivate').mockResolvedValue(true);
    const sign = jest
      .spyOn(provider, 'getSignedUrl')
      .mockResolvedValue({ url: `${url}?${SIGNATURE}` });
    const id = await insert({
      provider: PROVIDER,
      url,
      provider_metadata: JSON.stringify({ key: 'objects/signed' }),
      formats: JSON.stringify({ thumbnail: { url: `${bucket.origin}/small.png` } }),
    });
    await library.reindex('missing');
    await app.waitUntilIndexed();
    // Whoever looks at the library from here on is none of this.
    const signed = sign.mock.calls.map(([file]) => file);
    jest.restoreAllMocks();
    expect(await library.entry(id)).toMatchObject({ state: 'indexed', error: null });
    expect(signed).toMatchObject([
      { id, provider_metadata: { key: 'objects/signed' }, folderPath: '/' },
    ]);
  });

  it('that lack data fail alone, with their reason', async () => {
    const good = await insert({ name: null, width: null, height: null });
    const lost = [
      await insert({ name: null, hash: null, url: null, ext: null }),
      await insert({ name: null, hash: null, url: null, provider: null, size: null }),
      await insert({ provider: PROVIDER, url: 'file:///etc/hostname' }),
    ];
    await library.reindex('missing');
    await app.waitUntilIndexed();
    expect(await library.entry(good)).toMatchObject({ state: 'indexed', error: null });
    for (const fileId of lost) {
      const { error, state } = await library.entry(fileId);
      expect({ state, code: error?.code }).toEqual({ state: 'failed', code: 'image-missing' });
      expect(error?.message).toMatch(/Upload it again or delete it/);
    }
    // Nothing gets better by looking again.
    expect(await library.reindex('missing')).toBe(0);
  });
});
