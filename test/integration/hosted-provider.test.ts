import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sampleLibrary } from '../../sample/library';
import { startHostedApp, type HostedApp } from '../support/hosted-app';
import type { Fault, JinaServer } from '../support/jina-server';
import { sampleImage, sampleImages, type FileBytes } from '../support/library';
import { testKey } from '../support/openai-provider';
import { pollUntil } from '../support/polling';
import type { UploadedFile } from '../support/strapi-client';

const FIRST_IMAGES = 12;
/** What may be under way when the first of them fails, and each image of it alone. */
const MOST_FIRST_TRIES = 8;

describe('a hosted provider', () => {
  let app: HostedApp<JinaServer>;
  /** Images that are not uploaded yet. */
  let supply: FileBytes[];
  /** Everything that was answered. */
  const answers: string[] = [];

  beforeAll(async () => {
    supply = await sampleImages(60);
    app = await startHostedApp({ indexing: { firstRetrySeconds: 1 } });
  });
  afterAll(async () => {
    await app.stop();
  });

  function takeNew(count: number): FileBytes[] {
    return supply.splice(0, count);
  }

  async function expectIndexed(files: readonly UploadedFile[]): Promise<void> {
    expect(files.length).toBeGreaterThan(0);
    const status = await app.waitUntilIndexed();
    expect(status).toMatchObject({
      worker: { state: 'idle', pause: null },
      provider: { ok: true },
    });
    expect(status.counts).toMatchObject({ indexed: status.total, failed: 0, skipped: 0 });
    for (const { id } of files) {
      expect(await app.entry(id)).toMatchObject({ state: 'indexed', error: null });
    }
  }

  async function readAnswers(): Promise<void> {
    answers.push(JSON.stringify([await app.readStatus(), await app.entries()]));
    const search = await app.call('post', '/image-search/search', {
      text: `at ${String(Date.now())}`,
    });
    const open = await app.request.get('/api/image-search/search?text=anything');
    answers.push(JSON.stringify([search.body, search.headers, open.body, open.headers]));
  }

  it('embeds every image once and finds it by text', async () => {
    const files = await app.upload(...takeNew(FIRST_IMAGES));
    await expectIndexed(files);
    expect(app.imagesSent()).toBe(FIRST_IMAGES);
    const concept = sampleLibrary[3]?.concept ?? '';
    expect((await app.findText(concept.replaceAll('-', ' ')))[0]).toBe(files[3]?.id);
    const first = await app.readStatus();
    expect(first.space).toMatchObject({
      provider: 'openai',
      model: 'jina-clip-v2',
      dimensions: 256,
    });
  });

  it('gets no requests when texts are edited, and all images when all are reindexed', async () => {
    const before = app.imagesSent();
    const [entry] = await app.entries();
    const fileInfo = { caption: 'Another caption' };
    const edit = await app.call('put', `/upload/files/${String(entry?.fileId)}`, { fileInfo });
    expect(edit.status).toBe(200);
    expect(await app.reindex('missing')).toBe(0);
    await app.waitUntilIndexed();
    expect(app.imagesSent()).toBe(before);
    expect(await app.reindex('all')).toBe(FIRST_IMAGES);
    await app.waitUntilIndexed();
    expect(app.imagesSent()).toBe(before + FIRST_IMAGES);
  });

  describe('that is down pauses the queue until it is resumed:', () => {
    const echo = { detail: `Invalid API key ${testKey}.`, code: 'AUTH_INVALID_API_KEY' };
    it.each<[name: string, fault: Fault, code: string, message: RegExp]>([
      [
        '401',
        { kind: 'status', status: 401, body: echo },
        'provider-unauthorized',
        /embedding\.apiKey/,
      ],
      [
        '429 with an hour to wait',
        { kind: 'status', status: 429, headers: { 'retry-after': '3600' }, body: {} },
        'provider-unavailable',
        /429/,
      ],
      [
        'a storm of 500',
        { kind: 'status', status: 500, body: { detail: 'Out of memory' } },
        'provider-unavailable',
        /500.*Out of memory/,
      ],
      ['broken connections', { kind: 'reset' }, 'provider-unavailable', /can't be reached/],
      [
        'HTML',
        { kind: 'body', contentType: 'text/html', body: '<html>Hello</html>' },
        'provider-bad-answer',
        /JSON/,
      ],
      [
        'half a vector',
        withVectors((vector) => vector.slice(0, 128)),
        'provider-bad-answer',
        /128.*256|256.*128/,
      ],
      [
        'a vector with a hole',
        withVectors((vector) => [null, ...vector.slice(1)]),
        'provider-bad-answer',
        /embedding/,
      ],
      [
        'a vector with NaN',
        {
          kind: 'body',
          contentType: 'application/json',
          body: '{"data":[{"index":0,"embedding":[NaN]}]}',
        },
        'provider-bad-answer',
        /JSON/,
      ],
      ['zeros', withVectors((vector) => vector.map(() => 0)), 'provider-bad-answer', /zero/],
    ])('%s', async (_name, fault, code, message) => {
      const requests = app.imageRequests();
      const pauses = countPauses();
      app.server.failAlways(fault);
      const files = await app.upload(...takeNew(3));
      const status = await pollUntil(
        () => app.readStatus(),
        ({ worker }) => worker.state === 'paused',
      );
      expect(status.worker.pause).toMatchObject({ code });
      expect(status.worker.pause?.message).toMatch(message);
      expect(status.provider.ok).toBe(false);
      expect(status.provider.message).toMatch(message);
      const { failed, indexing, pending, skipped } = status.counts;
      expect([pending + indexing, failed, skipped]).toEqual([3, 0, 0]);
      // Uploads continue, and the server is not hammered: one try for every pause after the first.
      files.push(...(await app.upload(...takeNew(2))));
      await readAnswers();
      const tries = app.imageRequests() - requests;
      expect(tries).toBeLessThanOrEqual(MOST_FIRST_TRIES + countPauses() - pauses);

      app.server.failAlways(undefined);
      await app.reindex('missing');
      await expectIndexed(files);
      await readAnswers();
    });
  });

  it('still finds images by text', async () => {
    const [file] = await app.upload(await sampleImage('teapot'));
    await app.waitUntilIndexed();
    expect((await app.findText('a teapot'))[0]).toBe(file?.id);
  });

  it('never reveals its key in logs or responses', async () => {
    await readAnswers();
    expect(app.output()).toContain('Indexing paused');
    expect(app.output()).not.toContain(testKey);
    expect(answers.length).toBeGreaterThan(10);
    expect(answers.join('\n')).toContain('embedding.apiKey');
    expect(answers.join('\n')).not.toContain(testKey);
  });

  const countPauses = (): number => app.output().split('Indexing paused').length - 1;
});

/** The right answer with every vector changed. */
function withVectors(change: (vector: number[]) => (number | null)[]): Fault {
  return {
    kind: 'answer',
    change: (answer) => ({
      ...answer,
      data: answer.data.map((item) => ({ ...item, embedding: change(item.embedding) })),
    }),
  };
}
