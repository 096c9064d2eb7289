import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { checkModels } from '../../../plugin/src/application/checks';
import { parseConfig } from '../../../plugin/src/config';
import type { Check } from '../../../plugin/src/contracts/checks';
import { startByteServer, type ByteServer } from '../../support/byte-server';
import {
  cosine,
  createClipContext,
  openClip,
  prepareFor,
  siglipFolder,
  type ClipContext,
} from '../../support/clip-provider';

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

  /** What `doctor` says of the hub. */
  async function hubCheck(): Promise<Check | undefined> {
    const config = parseConfig({ embedding: { provider: 'clip', model: MODEL, dtype: 'fp32' } });
    return (await checkModels(config, project)).find(({ id }) => id === 'hub');
  }

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

  it('is downloaded once, reports progress, and then runs without the hub', async () => {
    publish();
    const told = firstProgress();
    hub.on(address('onnx/vision_model.onnx'), (_, response) => void sendInTwoParts(response, told));
    const provider = await open();
    expect(provider.space).toMatchObject({ model: MODEL, dimensions: 24 });
    expect(provider.space.preprocessing).not.toContain('files');
    const reference = JSON.parse(
      await readFile(path.join(siglipFolder, 'reference.json'), 'utf8'),
    ) as { images: Record<string, number[]> };
    const image = await prepareFor(provider, await readFile(path.join(siglipFolder, 'wide.png')));
    const [vector] = await provider.embedImages([image]);
    expect(cosine(vector ?? [], reference.images['wide.png'] ?? [])).toBeGreaterThan(0.9995);
    const progress = 'Downloading the model "someone/siglip": 0.0 of 0.0 MB (47%).';
    expect(context.progress).toEqual([
      progress,
      'Downloading the model "someone/siglip": 0.0 of 0.0 MB (100%).',
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

  it('that transformers.js has downloaded is not downloaded again', async () => {
    const folder = path.join(project, '.cache/image-search', MODEL);
    for (const file of FILES) await cp(path.join(siglipFolder, file), path.join(folder, file));
    const provider = await open();
    await expect(provider.embedTexts(['a cat'])).resolves.toHaveLength(1);
    await provider.dispose();
    expect(hub.requests).toEqual([]);
  });

  it('is downloaded through a proxy', async () => {
    publish();
    const proxy = createProxy();
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    const { port } = proxy.server.address() as AddressInfo;
    process.env.http_proxy = `http://127.0.0.1:${String(port)}`;
    try {
      expect(await hubCheck()).toMatchObject({ status: 'ok' });
      expect([...proxy.tunnels]).toEqual([new URL(hub.origin).host]);
      const provider = await open();
      await expect(provider.embedTexts(['a cat'])).resolves.toHaveLength(1);
      await provider.dispose();
    } finally {
      delete process.env.http_proxy;
      proxy.server.close();
    }
    expect(proxy.tunnels.size).toBe(1);
    expect([...proxy.tunnels]).toEqual([new URL(hub.origin).host]);
  });

  it('leaves nothing of a broken download behind', async () => {
    publish();
    const file = 'onnx/text_model.onnx';
    const folder = path.join(project, '.cache/image-search', MODEL, 'onnx');
    await mkdir(folder, { recursive: true });
    const killed = path.join(folder, 'text_model.onnx.tmp.of-a-killed-process');
    await writeFile(killed, 'a part');
    await utimes(killed, 0, 0);
    hub.on(address(file), (_, response) => {
      response.writeHead(200, { 'content-length': 7_708 });
      response.write(Buffer.alloc(3_000), () => response.destroy());
    });
    const provider = await open();
    await expect(provider.embedTexts(['a cat'])).rejects.toThrow("can't be downloaded");
    await provider.dispose();
    expect(await readdir(folder)).toEqual([]);
  });

  it('whose download breaks off is downloaded again by the next call', async () => {
    publish();
    hub.on(address('onnx/text_model.onnx'), (_, response) => {
      response.writeHead(200, { 'content-length': 7_708 });
      response.write(Buffer.alloc(3_000), () => response.destroy());
    });
    const provider = await open();
    const failed = provider.embedTexts(['a cat']);
    await expect(failed).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    await expect(failed).rejects.toThrow("can't be downloaded");
    publish();
    await expect(provider.embedTexts(['a cat'])).resolves.toHaveLength(1);
    await provider.dispose();
  });

  it('with weights in several files is downloaded with all of them', async () => {
    publish();
    const data = 'onnx/text_model.onnx_data';
    const config = { 'transformers.js_config': { use_external_data_format: { text_model: 2 } } };
    const described = JSON.parse(await readFile(path.join(siglipFolder, 'config.json'), 'utf8'));
    hub.on(address('config.json'), (_, response) =>
      response.end(JSON.stringify({ ...described, ...config })),
    );
    for (const name of [data, `${data}_1`]) {
      hub.on(address(name), (_, response) => response.end('weights'));
    }
    const provider = await open();
    await expect(provider.embedTexts(['a cat'])).resolves.toHaveLength(1);
    await provider.dispose();
    const folder = path.join(project, '.cache/image-search', MODEL);
    expect(await readFile(path.join(folder, `${data}_1`), 'utf8')).toBe('weights');
  });

  it("that the hub doesn't have is missing", async () => {
    const failed = open();
    await expect(failed).rejects.toMatchObject({
      code: 'provider-model-missing',
      retryable: false,
    });
    await expect(failed).rejects.toThrow('has no public model "someone/siglip"');
    expect(await hubCheck()).toMatchObject({
      status: 'failed',
      advice: expect.stringContaining('embedding.model'),
    });
  });

  it('without a number format is missing when its weights are needed', async () => {
    publish();
    const provider = await openClip({ model: MODEL, dtype: 'q4' }, { context });
    await expect(provider.embedTexts(['a cat'])).rejects.toMatchObject({
      code: 'provider-model-missing',
    });
    await provider.dispose();
  });

  it('that is unreachable is retryable, with advice to use a folder', async () => {
    await hub.close();
    const failed = open();
    await expect(failed).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    await expect(failed).rejects.toThrow('set embedding.model to its path');
  });

  it('on a failing hub is retryable', async () => {
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

/** Tunnels every connection and notes where to. */
function createProxy(): { server: Server; tunnels: Set<string> } {
  const tunnels = new Set<string>();
  const server = createServer().on('connect', (request, socket, head) => {
    const address = request.url ?? '';
    tunnels.add(address);
    const { hostname, port } = new URL(`http://${address}`);
    const target = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      target.pipe(socket).pipe(target);
    });
    for (const end of [socket, target]) end.on('error', () => end.destroy());
  });
  return { server, tunnels };
}
