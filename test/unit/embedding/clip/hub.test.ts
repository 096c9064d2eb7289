import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  cosine,
  createClipContext,
  openClip,
  prepareFor,
  siglipFolder,
  type ClipContext,
} from '../../../support/clip-provider';
import { startByteServer, type ByteServer } from '../../../support/byte-server';

const MODEL = 'someone/siglip';
const FILES = [
  ...['config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'],
  ...['onnx/text_model.onnx', 'onnx/vision_model.onnx'],
];

/** A real server with the addresses of the Hugging Face hub, which the model's process is pointed to. */
describe('a model of the hub', () => {
  let hub: ByteServer;
  let project: string;
  let context: ClipContext;
  const endpoint = process.env.HF_ENDPOINT;

  beforeEach(async () => {
    hub = await startByteServer();
    process.env.HF_ENDPOINT = hub.origin;
    project = await mkdtemp(path.join(tmpdir(), 'image-search-hub-'));
    context = createClipContext(project);
  });
  afterEach(async () => {
    if (endpoint === undefined) delete process.env.HF_ENDPOINT;
    else process.env.HF_ENDPOINT = endpoint;
    await hub.close();
    await rm(project, { recursive: true });
  });

  const address = (file: string): string => `/${MODEL}/resolve/main/${file}`;
  const open = (settings: { allowDownloads?: boolean } = {}) =>
    openClip({ model: MODEL, dtype: 'fp32', ...settings }, { context });

  function publish(): void {
    for (const file of FILES) hub.on(address(file), (_, response) => void send(file, response));
  }

  async function send(file: string, response: ServerResponse): Promise<void> {
    const source = path.join(siglipFolder, file);
    response.setHeader('content-length', (await stat(source)).size);
    createReadStream(source, { highWaterMark: 4_096 }).pipe(response);
  }

  /** Resolves when this process is told of progress for the first time. */
  function firstProgress(): Promise<void> {
    return new Promise((resolve) => {
      context.onProgress = (sentence) => {
        context.progress.push(sentence);
        resolve();
      };
    });
  }

  async function sendInTwoParts(response: ServerResponse, between: Promise<void>): Promise<void> {
    const weights = await readFile(path.join(siglipFolder, 'onnx/vision_model.onnx'));
    response.writeHead(200, { 'content-length': weights.length });
    response.write(weights.subarray(0, 20_000));
    await between;
    response.end(weights.subarray(20_000));
  }

  it('is downloaded once, tells how far it is, and runs without the hub from then on', async () => {
    publish();
    const told = firstProgress();
    hub.on(address('onnx/vision_model.onnx'), (_, response) => void sendInTwoParts(response, told));
    const provider = await open();
    expect(provider.space).toMatchObject({ model: MODEL, dimensions: 24 });
    expect(provider.space.preprocessing).not.toContain('files');
    const reference = JSON.parse(
      await readFile(path.join(siglipFolder, 'reference.json'), 'utf8'),
    ) as { pictures: Record<string, number[]> };
    const image = await prepareFor(provider, await readFile(path.join(siglipFolder, 'wide.png')));
    const [vector] = await provider.embedImages([image]);
    expect(cosine(vector ?? [], reference.pictures['wide.png'] ?? [])).toBeGreaterThan(0.9995);
    const progress = 'Downloading the model "someone/siglip": 0.0 of 0.0 MB (47 %).';
    expect(context.progress).toEqual([
      progress,
      'Downloading the model "someone/siglip": 0.0 of 0.0 MB (100 %).',
      null,
    ]);
    expect(context.logger.at('info')).toContain(progress);
    await provider.embedTexts(['a cat']);
    await provider.dispose();

    const requests = hub.requests.length;
    const offline = await open({ allowDownloads: false });
    await expect(offline.embedTexts(['a cat'])).resolves.toHaveLength(1);
    await expect(offline.embedImages([image])).resolves.toHaveLength(1);
    await offline.dispose();
    expect(hub.requests).toHaveLength(requests);
    expect(offline.space.id).toBe(provider.space.id);
  });

  it('whose download breaks off is downloaded anew by the next call', async () => {
    publish();
    hub.on(address('onnx/text_model.onnx'), (_, response) => {
      response.writeHead(200, { 'content-length': 7_708 });
      response.write(Buffer.alloc(3_000), () => response.destroy());
    });
    const provider = await open();
    const failed = provider.embedTexts(['a cat']);
    await expect(failed).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    await expect(failed).rejects.toThrow('could not be downloaded');
    publish();
    await expect(provider.embedTexts(['a cat'])).resolves.toHaveLength(1);
    await provider.dispose();
  });

  it('that the hub does not have is missing', async () => {
    const failed = open();
    await expect(failed).rejects.toMatchObject({
      code: 'provider-model-missing',
      retryable: false,
    });
    await expect(failed).rejects.toThrow('has no public model "someone/siglip"');
  });

  it('without a number format is missing when its weights are needed', async () => {
    publish();
    const provider = await openClip({ model: MODEL, dtype: 'q4' }, { context });
    await expect(provider.embedTexts(['a cat'])).rejects.toMatchObject({
      code: 'provider-model-missing',
    });
    await provider.dispose();
  });

  it('that is out of reach may be reached later, or be put into a folder', async () => {
    await hub.close();
    const failed = open();
    await expect(failed).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    await expect(failed).rejects.toThrow('set embedding.model to its path');
  });

  it('on a hub in trouble may be reached later', async () => {
    for (const file of FILES) hub.on(address(file), (_, response) => response.writeHead(503).end());
    await expect(open()).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
  });

  it('that is neither cached nor to be downloaded is missing', async () => {
    const failed = open({ allowDownloads: false });
    await expect(failed).rejects.toMatchObject({ code: 'provider-model-missing' });
    await expect(failed).rejects.toThrow('embedding.allowDownloads is false');
    expect(hub.requests).toEqual([]);
  });
});
