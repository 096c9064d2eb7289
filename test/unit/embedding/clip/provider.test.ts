import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ModelProcess } from '../../../../plugin/src/embedding/clip/model-process';
import type { ClipProvider } from '../../../../plugin/src/embedding/clip/provider';
import type { PixelImage } from '../../../../plugin/src/images/contract';
import { resolveWorkerFile } from '../../../../plugin/src/workers';
import { cosine, createClipContext, openClip } from '../../../support/clip-provider';
import { repositoryFolder, sampleModelFolder } from '../../../support/paths';

function imageFor({ imagePreparation }: ClipProvider, shade = 128): PixelImage {
  const { resize } = imagePreparation;
  if (resize.mode !== 'exact') throw new Error('Expected a model of one exact size.');
  const { width, height } = resize;
  return { kind: 'pixels', width, height, data: new Uint8Array(width * height * 3).fill(shade) };
}

describe('a provider at work', () => {
  let provider: ClipProvider;
  beforeAll(async () => {
    provider = await openClip({ model: sampleModelFolder, batchSize: 64 });
  });
  afterAll(() => provider.dispose());

  it('answers a text before the pictures that were there first', async () => {
    const pictures = Array.from({ length: 64 }, () => imageFor(provider));
    const order: string[] = [];
    await Promise.all([
      provider.embedImages(pictures).then(() => order.push('pictures')),
      provider.embedImages(pictures).then(() => order.push('more pictures')),
      provider.embedTexts(['dog']).then(() => order.push('text')),
    ]);
    expect(order).toEqual(['text', 'pictures', 'more pictures']);
  });

  it('gives an input the same vector in whatever company', async () => {
    const [alone] = await provider.embedTexts(['dog']);
    const [inCompany] = await provider.embedTexts([
      'dog',
      'a far longer text about two dogs and a cat',
    ]);
    expect(inCompany).toEqual(alone);
    const [picture] = await provider.embedImages([imageFor(provider, 40)]);
    const [, together] = await provider.embedImages([
      imageFor(provider, 255),
      imageFor(provider, 40),
    ]);
    expect(together).toEqual(picture);
  });

  it.each([
    ['no words', ''],
    ['more words than the model reads', 'dog '.repeat(5_000)],
    ['words of no language', '\u0000\ud800 🦮 \n\t'],
  ])('takes a text of %s', async (_, text) => {
    const [vector] = await provider.embedTexts([text]);
    expect(cosine(vector ?? [], vector ?? [])).toBeCloseTo(1, 5);
  });

  it('takes pictures of its own size only', async () => {
    const image = { ...imageFor(provider), width: 3 };
    await expect(provider.embedImages([image])).rejects.toThrow(TypeError);
  });
});

describe('the process of the model', () => {
  it('that is killed costs what is under way, and is started again by the next call', async () => {
    const context = createClipContext();
    const provider = await openClip({ model: sampleModelFolder, batchSize: 64 }, { context });
    const first = Number(provider.processId);
    const pictures = Array.from({ length: 64 }, () => imageFor(provider));
    const underWay = provider.embedImages(pictures);
    process.kill(first, 'SIGKILL');
    await expect(underWay).rejects.toMatchObject({ code: 'provider-unavailable', retryable: true });
    await expect(provider.embedTexts(['dog'])).resolves.toHaveLength(1);
    expect(provider.processId).not.toBe(first);
    expect(context.logger.at('warn')).toEqual([
      "The model's process ended (SIGKILL); the next call starts it again.",
    ]);
    await provider.dispose();
  });

  it('that dies at birth is not started again and again', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'image-search-process-'));
    const file = path.join(folder, 'stillborn.cjs');
    await writeFile(file, 'process.stderr.write("no memory left", () => process.exit(7));');
    let now = 0;
    const deaths: string[] = [];
    const source = { kind: 'folder', path: sampleModelFolder } as const;
    const modelProcess = new ModelProcess({
      file,
      order: { source, dtype: 'q8', threads: 1, projectFolder: repositoryFolder },
      onProgress: () => undefined,
      onDeath: (reason) => deaths.push(reason),
      now: () => now,
    });
    const unavailable = { code: 'provider-unavailable', retryable: true };
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await expect(modelProcess.readFiles()).rejects.toMatchObject(unavailable);
    }
    expect(deaths).toEqual(['exit code 7', 'exit code 7', 'exit code 7']);
    now += 10_000;
    await expect(modelProcess.readFiles()).rejects.toMatchObject({
      ...unavailable,
      retryAfterMs: 20_000,
    });
    now += 20_000;
    await expect(modelProcess.readFiles()).rejects.toThrow('exit code 7');
    expect(deaths).toHaveLength(4);
    await modelProcess.dispose();
    await rm(folder, { recursive: true });
  });

  it('is gone when the provider is disposed', async () => {
    const provider = await openClip({ model: sampleModelFolder });
    const processId = Number(provider.processId);
    await provider.dispose();
    expect(provider.processId).toBeNull();
    expect(() => process.kill(processId, 0)).toThrow('ESRCH');
    await expect(provider.embedTexts(['dog'])).rejects.toMatchObject({ code: 'aborted' });
  });

  it('does not keep an idle server alive, and ends with it', async () => {
    const script = path.join(repositoryFolder, 'test/support/idle-clip-process.ts');
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script], {
      cwd: repositoryFolder,
    });
    expect(stdout).toBe('1 vector');
  });

  it('ends when the server is killed', async () => {
    // The model's process inherits the server's output here, so that the output ends when both have.
    const server = spawn(
      process.execPath,
      [
        '--eval',
        `const { fork } = require('node:child_process');
         fork(process.argv[1], { stdio: ['ignore', 'inherit', 'ignore', 'ipc'] })
           .once('spawn', () => console.log('started'));`,
        resolveWorkerFile('clip'),
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(server.stdout, 'data');
    server.kill('SIGKILL');
    await once(server.stdout, 'close');
    expect(server.signalCode).toBe('SIGKILL');
  });
});
