import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { startVendorApp, type HostedApp } from '../support/hosted-app';
import { sampleImage, type FileBytes } from '../support/library';
import { testKey } from '../support/openai-provider';
import { pollUntil } from '../support/polling';
import { vendors } from '../support/vendors';

const CONCEPTS = ['banana', 'guitar', 'rocket', 'airplane', 'teapot'];
/** Longer side of what may be sent. */
const MOST_EDGE = 256;

/** One that takes bytes, one that fuses parts, one that counts images, and a server in OpenAI's manner. */
const chosen = vendors.filter(({ name }) =>
  ['azure', 'gemini', 'cohere', 'openai, format infinity'].includes(name),
);

it('chooses four vendors', () => {
  expect(chosen).toHaveLength(4);
});

describe.each(chosen)('a library embedded by $name', (vendor) => {
  let app: HostedApp;
  let images: FileBytes[];

  beforeAll(async () => {
    images = await Promise.all(CONCEPTS.map((concept) => sampleImage(concept)));
    app = await startVendorApp(vendor, {
      indexing: { firstRetrySeconds: 1, sendMaxEdge: MOST_EDGE },
      refusesImage: isPlain,
    });
  });
  afterAll(async () => {
    await app.stop();
  });

  it('is searchable by text, and every image was sent once, scaled down and alone', async () => {
    const files = await app.upload(...images);
    const status = await app.waitUntilIndexed();
    expect(status.counts).toMatchObject({ indexed: CONCEPTS.length, failed: 0, skipped: 0 });
    expect(app.imagesSent()).toBe(CONCEPTS.length);
    for (const [index, concept] of CONCEPTS.entries()) {
      expect((await app.findText(concept))[0]).toBe(files[index]?.id);
    }
    const sent = await Promise.all(app.server.requests.flatMap(({ bytes }) => jpegsIn(bytes)));
    expect(sent).toHaveLength(CONCEPTS.length);
    for (const { width, height } of sent)
      expect(Math.max(width, height)).toBeLessThanOrEqual(MOST_EDGE);
    const everything = app.server.requests.map(({ bytes }) => bytes.toString('latin1')).join('\n');
    for (const { fileName } of images) expect(everything).not.toContain(fileName);
  });

  it('pauses once for a rejected key, and continues when it is accepted again', async () => {
    const requests = app.imageRequests();
    app.server.failAlways({ kind: 'status', status: 401, body: { detail: testKey } });
    await app.upload(await sampleImage('dog'), await sampleImage('pizza'));
    const status = await pollUntil(
      () => app.readStatus(),
      ({ worker }) => worker.state === 'paused',
    );
    expect(status.worker.pause).toMatchObject({
      code: 'provider-unauthorized',
      message: expect.stringContaining('embedding.apiKey'),
    });
    expect(status.counts).toMatchObject({ failed: 0 });
    expect(app.imageRequests() - requests).toBeLessThanOrEqual(6);
    app.server.failAlways(undefined);
    await app.reindex('missing');
    const healed = await app.waitUntilIndexed();
    expect(healed.counts).toMatchObject({ indexed: CONCEPTS.length + 2, failed: 0 });
    expect(app.output()).not.toContain(testKey);
  });

  it('fails only the image that the vendor rejects, not others in the same request', async () => {
    const before = (await app.readStatus()).counts.indexed;
    const canvas = { width: 80, height: 60, channels: 3 as const, background: '#c04020' };
    const bytes = await sharp({ create: canvas }).png().toBuffer();
    const [first, refused, last] = await app.upload(
      await sampleImage('violin'),
      { fileName: 'plain.png', bytes },
      await sampleImage('bicycle'),
    );
    const status = await app.waitUntilIndexed();
    expect(status.counts).toMatchObject({ indexed: before + 2, failed: 1 });
    expect(status.worker).toMatchObject({ pause: null });
    expect(await app.entry(refused?.id ?? 0)).toMatchObject({
      state: 'failed',
      error: { code: 'provider-rejected-input' },
    });
    for (const file of [first, last]) {
      expect(await app.entry(file?.id ?? 0)).toMatchObject({ state: 'indexed' });
    }
  });
});

/** One color and nothing else, but for what encoding does to it. */
async function isPlain(image: Buffer): Promise<boolean> {
  const { channels } = await sharp(image).stats();
  return channels.every(({ stdev }) => stdev < 1);
}

/** Header of every JPEG image in a request, whether as bytes or in base64. */
function jpegsIn(bytes: Buffer): Promise<{ width: number; height: number }>[] {
  if (bytes.readUInt16BE(0) === 0xffd8) return [sharp(bytes).metadata()];
  const encoded = bytes.toString('latin1').match(/\/9j\/[A-Za-z0-9+/=]+/g) ?? [];
  return encoded.map((text) => sharp(Buffer.from(text, 'base64')).metadata());
}
