import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { BUCKET, startS3Server, type S3Server } from '../support/s3-server';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

describe('a private bucket at a private address', () => {
  let app: StrapiApp;
  let library: Library;
  let storage: S3Server;

  beforeAll(async () => {
    storage = await startS3Server();
    app = await startStrapi({
      // As in docs/operating.md.
      imageSearch: { indexing: { allowedHosts: ['127.0.0.1'] } },
      env: {
        UPLOAD_CONFIG: JSON.stringify({
          provider: 'aws-s3',
          providerOptions: {
            s3Options: {
              credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
              endpoint: storage.origin,
              region: 'us-east-1',
              forcePathStyle: true,
              params: { ACL: 'private', signedUrlExpires: 900, Bucket: BUCKET },
            },
          },
        }),
      },
    });
    library = createLibrary(app);
  });
  afterAll(async () => {
    await app.stop();
    await storage.close();
  });

  it('is read through signed URLs', async () => {
    const [dog] = await library.upload(await sampleImage('dog'), await sampleImage('guitar'));
    const { counts } = await app.waitUntilIndexed();
    expect(counts).toMatchObject({ indexed: 2, failed: 0 });
    expect((await library.findText('a dog'))[0]).toBe(dog?.id);
    const url = new URL(dog?.url ?? '');
    expect(url.origin).toBe(storage.origin);
    expect((await fetch(`${url.origin}${url.pathname}`)).status).toBe(403);
    const reads = storage.requests.filter(({ isSigned, method }) => isSigned && method === 'GET');
    expect(reads.map(({ path }) => path)).toContain(url.pathname);
  });

  it.each([403, 404])('indexes everything but a file that gets %i', async (status) => {
    const before = (await app.readStatus()).counts.indexed;
    const refuse = (name: string) => storage.refused.set(name, status);
    const stop = app.strapi.db.lifecycles.subscribe({
      models: ['plugin::upload.file'],
      // Before the worker reads it.
      beforeCreate: ({ params }) => {
        const { name, url } = params.data as { name: string; url: string };
        if (name === 'bad.png') refuse(new URL(url).pathname);
      },
    });
    const { bytes } = await sampleImage('cat');
    const [bad] = await library.upload({ fileName: 'bad.png', bytes });
    await library.upload(await sampleImage('violin'), await sampleImage('horse'));
    const { worker } = await pollUntil(
      () => app.readStatus(),
      ({ counts }) => counts.indexed === before + 2,
    );
    stop();
    expect(worker.pause).toBeNull();
    const entry = await pollUntil(
      () => library.entry(bad?.id ?? 0),
      ({ error }) => error !== null,
    );
    expect(entry.error?.message).toContain(String(status));
  });
});
