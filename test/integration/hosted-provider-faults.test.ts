import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startHostedApp, type HostedApp } from '../support/hosted-app';
import type { Fault, JinaServer } from '../support/jina-server';
import { sampleImages } from '../support/library';
import { testKey } from '../support/openai-provider';
import { pollUntil } from '../support/polling';
import { sizeOf } from '../support/test-size';

/** Enough for every fault to occur before all of them are embedded. */
const IMAGES = sizeOf({ ci: 200, long: 300 });
const PER_UPLOAD = 50;
const LONGEST_MS = 600_000;

/** What the server has charged for, one token for each input. */
let charged = 0;
const well: Fault = {
  kind: 'answer',
  change: (answer) => {
    charged += answer.usage.total_tokens;
    return answer;
  },
};
const echo = { detail: `Invalid API key ${testKey}.`, code: 'AUTH_INVALID_API_KEY' };
const faults: Fault[] = [
  { kind: 'status', status: 429, headers: { 'retry-after': '1' }, body: {} },
  { kind: 'status', status: 500, body: { detail: `Out of memory for ${testKey}` } },
  { kind: 'reset' },
  { kind: 'reset-in-body' },
  { kind: 'hang' },
  { kind: 'hang-in-body' },
  { kind: 'status', status: 401, body: echo },
  { kind: 'status', status: 503, body: {} },
  { kind: 'body', contentType: 'text/html', body: '<html>Bad gateway</html>' },
  { kind: 'status', status: 429, headers: { 'retry-after': '2' }, body: {} },
  { kind: 'reset' },
  { kind: 'status', status: 500, body: {} },
];

describe(`a library of ${String(IMAGES)} that a hosted provider with all its faults embeds`, () => {
  let app: HostedApp<JinaServer>;
  const answers: string[] = [];

  beforeAll(async () => {
    app = await startHostedApp({ timeoutSeconds: 6, indexing: { firstRetrySeconds: 1 } });
  });
  afterAll(async () => {
    await app.stop();
  });

  async function note(): Promise<void> {
    const { body, headers } = await app.call('post', '/image-search/search', {
      text: `question ${String(answers.length)}`,
    });
    const estimate = await app.call('get', '/image-search/estimate?scope=failed');
    const parts = [await app.readStatus(), await app.entries(), body, headers, estimate.body];
    answers.push(JSON.stringify(parts));
  }

  it(
    'has every image in the end, and the usage that the vendor says',
    async () => {
      app.server.failAlways({ kind: 'status', status: 401, body: echo });
      const images = await sampleImages(IMAGES);
      for (let start = 0; start < images.length; start += PER_UPLOAD) {
        await app.upload(...images.slice(start, start + PER_UPLOAD));
      }
      expect((await app.readStatus()).counts).toMatchObject({ indexed: 0, failed: 0 });
      await note();
      // A fault, two good answers, and so on.
      app.server.failNext(...faults.flatMap((fault) => [fault, well, well]));
      app.server.failAlways(well);
      await app.reindex('all');
      await pollUntil(
        () => app.readStatus(),
        ({ counts }) => counts.indexed > IMAGES / 3,
        { timeoutMs: LONGEST_MS },
      );
      await note();
      const { counts } = await app.waitUntilIndexed({ timeoutMs: LONGEST_MS });
      expect(counts).toMatchObject({ indexed: IMAGES, failed: 0, skipped: 0, pending: 0 });
      await note();
      const { usage } = await app.readStatus();
      const [provider, ...others] = usage.providers;
      expect(others).toEqual([]);
      expect(provider?.images).toBeGreaterThanOrEqual(IMAGES);
      expect(provider).toMatchObject({ tokens: charged, isEstimated: false });
      expect((provider?.images ?? 0) + (provider?.texts ?? 0)).toBe(charged);
    },
    LONGEST_MS,
  );

  it('never reveals its key in logs, responses, stored files or rows', async () => {
    expect(app.output()).toContain('Indexing paused');
    expect(app.output()).not.toContain(testKey);
    expect(answers.join('\n')).toContain('embedding.apiKey');
    expect(answers.join('\n')).not.toContain(testKey);
    // What it writes when it ends is looked at as well, and no file comes and goes in the meantime.
    await app.kill('SIGTERM');
    expect(app.output()).not.toContain(testKey);
    const entries = await readdir(app.dataFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.some(({ name }) => name === 'strapi.sqlite')).toBe(true);
    for (const { name, parentPath } of files) {
      const bytes = await readFile(path.join(parentPath, name));
      expect([name, bytes.includes(testKey)]).toEqual([name, false]);
    }
  });
});
