import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { startVendorApp, type HostedApp } from '../support/hosted-app';
import { samplePicture, type FileBytes } from '../support/library';
import { testKey } from '../support/openai-provider';
import { pollUntil } from '../support/polling';
import { vendors } from '../support/vendors';

const CONCEPTS = ['banana', 'guitar', 'rocket', 'airplane', 'teapot'];
/** Longer side of what may be sent. */
const MOST_EDGE = 256;

/** One that takes bytes, one that fuses parts, one that counts pictures, and a server in OpenAI's manner. */
const chosen = vendors.filter(({ name }) =>
  ['azure', 'gemini', 'cohere', 'openai, format infinity'].includes(name),
);

it('chooses four of the vendors', () => {
  expect(chosen).toHaveLength(4);
});

describe.each(chosen)('a library embedded by $name', (vendor) => {
  let app: HostedApp;
  let pictures: FileBytes[];

  beforeAll(async () => {
    pictures = await Promise.all(CONCEPTS.map((concept) => samplePicture(concept)));
    app = await startVendorApp(vendor, {
      indexing: { firstRetrySeconds: 1, sendMaxEdge: MOST_EDGE },
      refusesPicture: isPlain,
    });
  });
  afterAll(async () => {
    await app.stop();
  });

  it('is found by words, and every picture was sent once, small and alone', async () => {
    const files = await app.upload(...pictures);
    const status = await app.waitUntilIndexed();
    expect(status.counts).toMatchObject({ indexed: CONCEPTS.length, failed: 0, skipped: 0 });
    expect(app.picturesSent()).toBe(CONCEPTS.length);
    for (const [index, concept] of CONCEPTS.entries()) {
      expect((await app.findText(concept))[0]).toBe(files[index]?.id);
    }
    const sent = await Promise.all(app.server.requests.flatMap(({ bytes }) => jpegsIn(bytes)));
    expect(sent).toHaveLength(CONCEPTS.length);
    for (const { width, height } of sent)
      expect(Math.max(width, height)).toBeLessThanOrEqual(MOST_EDGE);
    const everything = app.server.requests.map(({ bytes }) => bytes.toString('latin1')).join('\n');
    for (const { fileName } of pictures) expect(everything).not.toContain(fileName);
  });

  it('pauses once for a refused key, and goes on when it is taken again', async () => {
    const requests = app.pictureRequests();
    app.server.failAlways({ kind: 'status', status: 401, body: { detail: testKey } });
    await app.upload(await samplePicture('dog'), await samplePicture('pizza'));
    const status = await pollUntil(
      () => app.readStatus(),
      ({ worker }) => worker.state === 'paused',
    );
    expect(status.worker.pause).toMatchObject({
      code: 'provider-unauthorized',
      message: expect.stringContaining('embedding.apiKey'),
    });
    expect(status.counts).toMatchObject({ failed: 0 });
    expect(app.pictureRequests() - requests).toBeLessThanOrEqual(6);
    app.server.failAlways(undefined);
    await app.reindex('missing');
    const healed = await app.waitUntilIndexed();
    expect(healed.counts).toMatchObject({ indexed: CONCEPTS.length + 2, failed: 0 });
    expect(app.output()).not.toContain(testKey);
  });

  it('fails the one picture that the vendor refuses, and not those that were sent along with it', async () => {
    const before = (await app.readStatus()).counts.indexed;
    const canvas = { width: 80, height: 60, channels: 3 as const, background: '#c04020' };
    const bytes = await sharp({ create: canvas }).png().toBuffer();
    const [first, refused, last] = await app.upload(
      await samplePicture('violin'),
      { fileName: 'plain.png', bytes },
      await samplePicture('bicycle'),
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

/** One colour and nothing else, but for what encoding does to it. */
async function isPlain(picture: Buffer): Promise<boolean> {
  const { channels } = await sharp(picture).stats();
  return channels.every(({ stdev }) => stdev < 1);
}

/** Header of every JPEG picture in a request, whether as bytes or in base64. */
function jpegsIn(bytes: Buffer): Promise<{ width: number; height: number }>[] {
  if (bytes.readUInt16BE(0) === 0xffd8) return [sharp(bytes).metadata()];
  const encoded = bytes.toString('latin1').match(/\/9j\/[A-Za-z0-9+/=]+/g) ?? [];
  return encoded.map((text) => sharp(Buffer.from(text, 'base64')).metadata());
}
