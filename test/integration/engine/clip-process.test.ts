import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ModelProcess } from '../../../plugin/src/embedding/clip/model-process';
import type { ClipProvider } from '../../../plugin/src/embedding/clip/provider';
import type { PixelImage } from '../../../plugin/src/images/contract';
import { resolveWorker } from '../../../plugin/src/workers';
import { cosine, createClipContext, openClip } from '../../support/clip-provider';
import { repositoryFolder, sampleModelFolder } from '../../support/paths';
import { pollUntil } from '../../support/polling';

function imageFor({ imagePreparation }: ClipProvider, shade = 128): PixelImage {
  const { resize } = imagePreparation;
  if (resize.mode !== 'exact') throw new Error('Expected a model of one exact size.');
  const { width, height } = resize;
  return { kind: 'pixels', width, height, data: new Uint8Array(width * height * 3).fill(shade) };
}

function isAlive(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

describe('a warm start', () => {
  it.each([
    ['starts the process', true],
    ['is left out when it is off', false],
  ])('%s', async (_, warmStart) => {
    const provider = await openClip({ model: sampleModelFolder, warmStart });
    await provider.warmUp();
    expect(provider.processId !== null).toBe(warmStart);
    await provider.dispose();
  });
});

describe('a busy provider', () => {
  let provider: ClipProvider;
  beforeAll(async () => {
    provider = await openClip({ model: sampleModelFolder, batchSize: 64 });
  });
  afterAll(() => provider.dispose());

  it('embeds a text before images that were queued earlier', async () => {
    const images = Array.from({ length: 64 }, () => imageFor(provider));
    const order: string[] = [];
    await Promise.all([
      provider.embedImages(images).then(() => order.push('images')),
      provider.embedImages(images).then(() => order.push('more images')),
      provider.embedTexts(['dog']).then(() => order.push('text')),
    ]);
    expect(order).toEqual(['text', 'images', 'more images']);
  });

  it('returns the same vector for an input whatever else is in the call', async () => {
    const [alone] = await provider.embedTexts(['dog']);
    const [inCompany] = await provider.embedTexts([
      'dog',
      'a far longer text about two dogs and a cat',
    ]);
    expect(inCompany).toEqual(alone);
    const [image] = await provider.embedImages([imageFor(provider, 40)]);
    const [, together] = await provider.embedImages([
      imageFor(provider, 255),
      imageFor(provider, 40),
    ]);
    expect(together).toEqual(image);
  });

  it.each([
    ['no words', ''],
    ['more words than the model reads', 'dog '.repeat(5_000)],
    ['words of no language', '\u0000\ud800 🦮 \n\t'],
  ])('accepts a text of %s', async (_, text) => {
    const [vector] = await provider.embedTexts([text]);
    expect(cosine(vector ?? [], vector ?? [])).toBeCloseTo(1, 5);
  });

  it('accepts only images of its own size', async () => {
    const image = { ...imageFor(provider), width: 3 };
    await expect(provider.embedImages([image])).rejects.toThrow(TypeError);
  });
});

describe('the process of the model', () => {
  it('that is killed fails pending calls, and is restarted by the next call', async () => {
    const context = createClipContext();
    const provider = await openClip({ model: sampleModelFolder, batchSize: 64 }, { context });
    await provider.embedTexts(['cat']);
    const first = Number(provider.processId);
    const images = Array.from({ length: 64 }, () => imageFor(provider));
    const underWay = provider.embedImages(images);
    process.kill(first, 'SIGKILL');
    await expect(underWay).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    await expect(provider.embedTexts(['dog'])).resolves.toHaveLength(1);
    expect(provider.processId).not.toBe(first);
    expect(context.logger.at('warn')).toEqual([
      "The model's process ended (SIGKILL). The next call restarts it.",
    ]);
    await provider.dispose();
  });

  it('starts with the first call, not with a health check that can be cached', async () => {
    const provider = await openClip({ model: sampleModelFolder });
    expect(provider.processId).toBeNull();
    expect(await provider.checkHealth({ canBeCached: true })).toEqual({
      ok: true,
      message: 'The model "model" starts on this machine with the next image or search.',
    });
    expect(provider.processId).toBeNull();
    await provider.embedTexts(['dog']);
    expect(provider.processId).not.toBeNull();
    expect(await provider.checkHealth({ canBeCached: true })).toEqual({
      ok: true,
      message: 'The model "model" is running on this machine.',
    });
    await provider.dispose();
  });

  it('ends when it is idle for too long, and comes back with the same vectors', async () => {
    const context = createClipContext();
    const provider = await openClip({ model: sampleModelFolder, idleMinutes: 0.002 }, { context });
    const [before] = await provider.embedTexts(['dog']);
    const first = Number(provider.processId);
    await pollUntil(
      () => Promise.resolve(isAlive(first)),
      (isStillAlive) => !isStillAlive,
      { intervalMs: 10 },
    );
    expect(provider.processId).toBeNull();
    expect(await provider.embedTexts(['dog'])).toEqual([before]);
    expect(context.logger.lines).toEqual([]);
    await provider.dispose();
  });

  it("doesn't end while a call is in progress, nor ever with embedding.idleMinutes at 0", async () => {
    const provider = await openClip({ model: sampleModelFolder, batchSize: 64, idleMinutes: 1e-5 });
    const images = Array.from({ length: 64 }, () => imageFor(provider));
    await expect(provider.embedImages(images)).resolves.toHaveLength(64);
    await provider.dispose();
    const lasting = await openClip({ model: sampleModelFolder, idleMinutes: 0 });
    await lasting.embedTexts(['dog']);
    const processId = lasting.processId;
    await lasting.embedImages(Array.from({ length: 8 }, () => imageFor(lasting)));
    expect(lasting.processId).toBe(processId);
    await lasting.dispose();
  });

  it("that dies on start isn't restarted again and again", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-search-process-'));
    const file = path.join(folder, 'stillborn.cjs');
    await writeFile(file, 'process.stderr.write("no memory left", () => process.exit(7));');
    let now = 0;
    const deaths: string[] = [];
    const source = { kind: 'folder', path: sampleModelFolder } as const;
    const files = { config: {}, preprocessor: {}, digest: null };
    const modelProcess = new ModelProcess({
      program: { file, execArgv: [] },
      order: { source, dtype: 'q8', threads: 1, projectFolder: repositoryFolder },
      files,
      readFiles: () => Promise.resolve(files),
      idleMs: 0,
      onProgress: () => undefined,
      onDeath: (reason) => deaths.push(reason),
      now: () => now,
    });
    const unavailable = { code: 'provider-unavailable', retryable: true };
    const recipe = { family: 'clip', maxTokens: 77 } as const;
    const embed = () => modelProcess.embed({ kind: 'texts', texts: ['dog'], recipe });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(embed()).rejects.toMatchObject(unavailable);
    }
    expect(deaths).toEqual(['exit code 7', 'exit code 7', 'exit code 7']);
    now += 10_000;
    await expect(embed()).rejects.toMatchObject({
      ...unavailable,
      retryAfterMs: 20_000,
    });
    now += 20_000;
    await expect(embed()).rejects.toThrow('exit code 7');
    expect(deaths).toHaveLength(4);
    await modelProcess.dispose();
    await rm(folder, { recursive: true });
  });

  it('is gone when the provider is disposed', async () => {
    const provider = await openClip({ model: sampleModelFolder });
    await provider.embedTexts(['dog']);
    const processId = Number(provider.processId);
    await provider.dispose();
    expect(provider.processId).toBeNull();
    expect(() => process.kill(processId, 0)).toThrow('ESRCH');
    await expect(provider.embedTexts(['dog'])).rejects.toMatchObject({ code: 'aborted' });
  });

  it("doesn't keep an idle server alive, and ends with it", async () => {
    const script = path.join(repositoryFolder, 'test/support/idle-clip-process.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], {
      cwd: repositoryFolder,
    });
    expect(stdout).toBe('1 vector');
  });

  it('ends when the server is killed', async () => {
    const { file, execArgv } = resolveWorker('clip');
    // The model's process inherits the server's output here, so that the output ends when both have.
    const server = spawn(
      process.execPath,
      [
        '--eval',
        `const { fork } = require('node:child_process');
         const [file, ...execArgv] = process.argv.slice(1);
         fork(file, { execArgv, stdio: ['ignore', 'inherit', 'ignore', 'ipc'] })
           .once('spawn', () => console.log('started'));`,
        file,
        ...execArgv,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(server.stdout, 'data');
    server.kill('SIGKILL');
    await once(server.stdout, 'close');
    expect(server.signalCode).toBe('SIGKILL');
  });
});
