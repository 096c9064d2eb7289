import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AssetSource } from '../../plugin/src/indexing/contract';
import type { GuardedFetch } from '../../plugin/src/network/contract';
import { createGuardedFetch } from '../../plugin/src/network/guarded-fetch';
import { createAssetSource } from '../../server/src/assets/asset-source';
import { startByteServer, type Answer, type ByteServer } from '../support/byte-server';
import { createLibrary, sampleImage } from '../support/library';
import { deleteAllRaw, insertRaw } from '../support/library-rows';
import { rejectionOf } from '../support/openai-provider';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const MAX_BYTES = 1_000_000;
const ALLOWED = { allowedHosts: ['127.0.0.1'] };

describe('files in remote storage', () => {
  let app: StrapiApp;
  let storage: ByteServer;
  let bytes: Buffer;
  const opened: GuardedFetch[] = [];

  beforeAll(async () => {
    storage = await startByteServer();
    ({ bytes } = await sampleImage('dog'));
    const indexing = { ...ALLOWED, maxAttempts: 1, readTimeoutSeconds: 1 };
    app = await startStrapi({ imageSearch: { indexing } });
  });
  beforeEach(() => {
    storage.requests.length = 0;
  });
  afterEach(async () => {
    await deleteAllRaw(app.strapi);
  });
  afterAll(async () => {
    for (const remote of opened) await remote.dispose();
    await app.stop();
    await storage.close();
  });

  function openSource(options: { allowedHosts?: string[]; readTimeoutMs?: number }): AssetSource {
    const { allowedHosts = [], readTimeoutMs = 10_000 } = options;
    const remote = createGuardedFetch({ allowedHosts });
    opened.push(remote);
    return createAssetSource({ strapi: app.strapi, remote, readTimeoutMs });
  }

  /** A file of the library whose bytes lie at this path of the storage; the running app does not notice it. */
  async function createFile(
    path: string,
    answer?: Answer,
    sizeInBytes = bytes.length,
  ): Promise<number> {
    if (answer) storage.on(path, answer);
    return insertRaw(app.strapi, {
      name: 'far away.jpg',
      hash: `far_${path.replaceAll('/', '_')}`,
      ext: '.jpg',
      mime: 'image/jpeg',
      size: sizeInBytes / 1_000,
      width: null,
      height: null,
      url: storage.origin + path,
      provider: 'far-away-storage',
    });
  }

  const sendImage: Answer = (_request, response) => response.end(bytes);

  const readFailure = (source: AssetSource, fileId: number) =>
    rejectionOf(source.read(fileId, { maxBytes: MAX_BYTES }));

  it('are read from their URLs', async () => {
    const id = await createFile('/image', sendImage);
    const source = openSource(ALLOWED);
    expect(Buffer.from(await source.read(id, { maxBytes: MAX_BYTES }))).toEqual(bytes);
    expect(await source.describe(id)).toMatchObject({ fileId: id, mimeType: 'image/jpeg' });
  });

  it('are read from a signed URL if the storage is private, and nowhere else', async () => {
    const id = await createFile('/private', (request, response) => {
      if (request.url === '/private?signature=secret') response.end(bytes);
      else response.writeHead(403).end();
    });
    const restore = makePrivate();
    try {
      const source = openSource(ALLOWED);
      expect(await source.read(id, { maxBytes: MAX_BYTES })).toHaveLength(bytes.length);
      expect(storage.requests).toContain('/private?signature=secret');
      storage.on('/private', (_request, response) => response.writeHead(500).end());
      const error = await readFailure(source, id);
      expect(error).toMatchObject({ code: 'image-unreachable', retryable: true });
      expect(error.message).not.toContain('secret');
    } finally {
      restore();
    }
  });

  it('in a private network are refused, with the setting named', async () => {
    const id = await createFile('/image', sendImage);
    const error = await readFailure(openSource({}), id);
    expect(error).toMatchObject({ code: 'storage-refused', retryable: false });
    expect(error.message).toMatch(/"far away\.jpg".*127\.0\.0\.1.*indexing\.allowedHosts/);
    expect(storage.requests).not.toContain('/image');
  });

  it('are read through redirects, but not into a private network', async () => {
    storage.on('/image', sendImage);
    const onTheSameHost = await createFile(
      '/moved',
      redirectTo(() => '/image'),
    );
    const source = openSource(ALLOWED);
    expect(await source.read(onTheSameHost, { maxBytes: MAX_BYTES })).toHaveLength(bytes.length);

    const elsewhere = redirectTo(() => `http://127.0.0.2:${String(storage.port)}/image`);
    const error = await readFailure(source, await createFile('/trap', elsewhere));
    expect(error).toMatchObject({ code: 'storage-refused', retryable: false });
    expect(error.message).toMatch(/127\.0\.0\.2.*indexing\.allowedHosts/);

    const inCircles = redirectTo((path) => path);
    const circle = await readFailure(source, await createFile('/circle', inCircles));
    expect(circle).toMatchObject({ code: 'image-unreachable', retryable: true });
    expect(circle.message).toMatch(/redirects more than/);
  });

  it("are missing if the storage doesn't have them", async () => {
    const error = await readFailure(openSource(ALLOWED), await createFile('/nothing'));
    expect(error).toMatchObject({ code: 'image-missing', retryable: true });
    expect(error.message).toMatch(/"far away\.jpg".*in storage.*404.*[Uu]pload it again/);
  });

  it('are unreachable if the storage refuses or breaks off', async () => {
    const source = openSource(ALLOWED);
    for (const status of [403, 500, 503]) {
      const id = await createFile(`/status-${String(status)}`, (_request, response) =>
        response.writeHead(status).end(),
      );
      const error = await readFailure(source, id);
      expect(error).toMatchObject({ code: 'image-unreachable', retryable: true });
      expect(error.message).toContain(String(status));
    }
    const id = await createFile('/broken', (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => response.destroy());
    });
    expect(await readFailure(source, id)).toMatchObject({
      code: 'image-unreachable',
      retryable: true,
    });
  });

  it('are unreachable if the storage takes too long, before or during the response', async () => {
    const source = openSource({ ...ALLOWED, readTimeoutMs: 100 });
    const silent = await createFile('/silent', () => undefined);
    const slow = await createFile('/slow', (_request, response) => void response.write('half'));
    for (const id of [silent, slow]) {
      const error = await readFailure(source, id);
      expect(error).toMatchObject({ code: 'image-unreachable', retryable: true });
      expect(error.message).toMatch(/didn't send the file within 0\.1 s/);
    }
  });

  it('are too large if the row or the storage says so', async () => {
    const source = openSource(ALLOWED);
    const large = await createFile('/large', sendImage, MAX_BYTES + 1_000);
    expect(await readFailure(source, large)).toMatchObject({
      code: 'image-too-large',
      retryable: false,
    });
    expect(storage.requests).not.toContain('/large');
    // The row is not to be believed: the storage sends without an end.
    const endless = await createFile('/endless', (_request, response) => {
      const send = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(100_000), () => setImmediate(send));
      };
      send();
    });
    const error = await readFailure(source, endless);
    expect(error).toMatchObject({ code: 'image-too-large', retryable: false });
    expect(error.message).toContain('indexing.maxBytes');
  });

  it('are indexed and found like others, and problems with the rest are shown', async () => {
    const library = createLibrary(app);
    const id = await createFile('/indexed', sendImage);
    const missing = await createFile('/indexed-not');
    // What the comparison at boot saw of files that are gone already may be counted as well.
    expect(await library.reindex('missing')).toBeGreaterThanOrEqual(2);
    await app.waitUntilIndexed();
    expect(await library.entry(id)).toMatchObject({ state: 'indexed', error: null });
    expect((await library.findImage({ fileName: 'dog.jpg', bytes })).get(id)).toBeGreaterThan(0.95);
    expect(await library.entry(missing)).toMatchObject({
      state: 'failed',
      error: { code: 'image-missing' },
    });
  });

  /** Strapi signs only for the provider that it is configured with. */
  function makePrivate(): () => void {
    const { provider } = app.strapi.plugin('upload') as unknown as { provider: object };
    const configured: string = app.strapi.config.get('plugin::upload.provider');
    app.strapi.config.set('plugin::upload.provider', 'far-away-storage');
    Object.assign(provider, {
      isPrivate: () => true,
      getSignedUrl: ({ url }: { url: string }) => ({ url: `${url}?signature=secret` }),
    });
    return () => {
      app.strapi.config.set('plugin::upload.provider', configured);
      Object.assign(provider, { isPrivate: () => false });
    };
  }
});

function redirectTo(place: (path: string) => string): Answer {
  return (request, response) => {
    response.writeHead(302, { location: place(request.url ?? '') }).end();
  };
}
