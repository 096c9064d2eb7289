import { beforeEach, describe, expect, it } from '@jest/globals';
import type { ActiveSpace, OpenSpace } from '../../../plugin/src/active-space';
import { HealthRecord } from '../../../plugin/src/circuit-breaker';
import type { ErrorCode } from '../../../plugin/src/errors';
import type { EmbeddableExample } from '../../../plugin/src/search/contract';
import { Failover } from '../../../plugin/src/search/failover';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { failure } from '../../support/failures';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { HashProvider, hashVector } from '../../support/hash-provider';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { plainImage, plainImageReader } from '../../support/plain-images';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

let clock: FakeClock;
let logger: RecordingLogger;
let hosted: HashProvider;
let local: HashProvider;
let failover: Failover;
/** Awaited before the hosted model opens. */
let opening: () => Promise<void>;
/** What keeps the fallback from opening. */
let fallbackFailure: Error | null;
/** What is known of the hosted model. */
let health: HealthRecord;

beforeEach(async () => {
  clock = createFakeClock();
  logger = createRecordingLogger();
  hosted = new HashProvider({ model: 'hosted' });
  local = new HashProvider({ model: 'local' });
  opening = () => Promise.resolve();
  fallbackFailure = null;
  // Without jitter: pauses of 2, 4, 8, … s.
  health = new HealthRecord({ clock, random: () => 1 });
  const store = new MemoryVectorStore();
  const spaces = new Map<HashProvider, OpenSpace>();
  for (const provider of [hosted, local]) {
    const collection = await store.ensureSpace(provider.space);
    spaces.set(provider, { provider, collection });
    const payload = { mimeType: '', extension: '', createdAt: '', contentHash: '' };
    await collection.upsert([
      { fileId: 1, vector: hashVector(Buffer.from(provider.space.model)), payload },
    ]);
  }
  const open = (provider: HashProvider): Promise<OpenSpace> => {
    const space = spaces.get(provider);
    return space ? Promise.resolve(space) : Promise.reject(new RangeError('No space.'));
  };
  let opened: OpenSpace | null = null;
  const active: Pick<ActiveSpace, 'get' | 'state' | 'health'> = {
    health,
    state: () => (opened ? { kind: 'open', space: opened } : { kind: 'closed' }),
    async get() {
      await opening();
      opened = await open(hosted);
      return opened;
    },
  };
  failover = new Failover({
    clock,
    logger,
    // Every vector is that of its file.
    contentHashes: async (spaceId, ids) => {
      const space = [...spaces.values()].find(({ provider }) => provider.space.id === spaceId);
      return (await space?.collection.contentHashesOf(ids)) ?? new Map<number, string>();
    },
    embedder: new QueryEmbedder({
      images: plainImageReader,
      cacheEntries: 10,
      cacheMs: 60_000,
      clock,
    }),
    spaces: {
      hasFallback: true,
      activeSpace: () => Promise.resolve(active),
      getFallback: () => (fallbackFailure ? Promise.reject(fallbackFailure) : open(local)),
    },
  });
});

function breakHosted(code: ErrorCode = 'provider-unavailable'): void {
  hosted.onCall = () => {
    throw failure(code);
  };
}

const text = (words: string): EmbeddableExample => ({ kind: 'text', text: words });
const image = (shown: string): EmbeddableExample => ({
  kind: 'image',
  bytes: plainImage(shown),
});

async function modelThatAnswers(...examples: EmbeddableExample[]): Promise<string> {
  const { space, vectors } = await failover.embed({ examples, signal: undefined });
  expect(vectors).toHaveLength(examples.length);
  return space.provider.space.model;
}

describe('an available provider', () => {
  it('serves searches without the fallback', async () => {
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
    expect(local.textCalls).toEqual([]);
  });

  it('reports invalid queries, which no other model receives', async () => {
    breakHosted('provider-rejected-input');
    await expect(modelThatAnswers(text('a dog'))).rejects.toMatchObject({
      code: 'provider-rejected-input',
    });
    expect(local.textCalls).toEqual([]);
  });
});

describe('a provider that is down', () => {
  it.each<ErrorCode>([
    'provider-unavailable',
    'provider-unauthorized',
    'provider-bad-answer',
    'provider-model-missing',
  ])('leaves the query to the fallback: %s', async (code) => {
    breakHosted(code);
    expect(await modelThatAnswers(text('a dog'))).toBe('local');
    expect(logger.at('warn')).toHaveLength(1);
  });

  it("isn't called again while known to be down, and is logged once", async () => {
    breakHosted();
    await modelThatAnswers(text('a dog'));
    for (const words of ['a cat', 'a car']) {
      expect(await modelThatAnswers(text(words))).toBe('local');
    }
    expect(hosted.textCalls).toEqual([['a dog']]);
    expect(logger.at('warn')).toHaveLength(1);
  });

  it("still serves searches that don't need it: cached queries and files", async () => {
    await modelThatAnswers(text('a dog'), image('a dog'));
    breakHosted();
    expect(await modelThatAnswers(text('a cat'))).toBe('local');
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
    expect(await modelThatAnswers({ kind: 'file', fileId: 1 })).toBe('hosted');
    expect(await modelThatAnswers(image('a dog'))).toBe('hosted');
    expect(await modelThatAnswers(image('a cat'))).toBe('local');
  });

  it('passes a whole query to the fallback, so two spaces are never mixed', async () => {
    await modelThatAnswers(text('a dog'));
    breakHosted();
    const examples: EmbeddableExample[] = [
      text('a dog'),
      { kind: 'file', fileId: 1 },
      text('a cat'),
    ];
    const { isFallback, space, vectors } = await failover.embed({ examples, signal: undefined });
    expect([isFallback, space.provider.space.model]).toEqual([true, 'local']);
    expect([vectors].flat()[1]).toEqual(hashVector(Buffer.from('local')));
    expect(local.textCalls).toEqual([['a dog', 'a cat']]);
  });

  it("isn't waited for longer than a few seconds", async () => {
    hosted.onCall = () => new Promise(() => undefined);
    const before = clock.now();
    let model = '';
    void modelThatAnswers(text('a dog')).then((answer) => {
      model = answer;
    });
    await clock.runUntil(() => model !== '');
    expect(model).toBe('local');
    expect(clock.now() - before).toBe(4_000);
    expect(await modelThatAnswers(text('a cat'))).toBe('local');
    expect(clock.now() - before).toBe(4_000);
  });

  it("isn't considered down for everyone because one image took too long", async () => {
    hosted.onCall = () => new Promise(() => undefined);
    let model = '';
    void modelThatAnswers(image('a dog')).then((answer) => {
      model = answer;
    });
    await clock.runUntil(() => model !== '');
    expect(model).toBe('local');
    hosted.onCall = () => undefined;
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
  });

  it("isn't considered down if it only asked indexing to retry later", async () => {
    health.indexing.recordFailure(
      failure('provider-unavailable', { retryable: true, retryAfterMs: 60_000 }),
    );
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
  });

  it('is known to be down from the failures of indexing', async () => {
    health.indexing.recordFailure(failure('provider-unauthorized'));
    expect(await modelThatAnswers(text('a dog'))).toBe('local');
    expect(hosted.textCalls).toEqual([]);
  });

  it('answers again once indexing has resumed', async () => {
    health.indexing.recordFailure(failure('provider-unauthorized'));
    await modelThatAnswers(text('a dog'));
    health.indexing.recordSuccess();
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
    expect([logger.at('warn'), logger.at('info')]).toEqual([
      [expect.anything()],
      [expect.anything()],
    ]);
  });

  it("isn't considered down if indexing pauses for another reason", async () => {
    health.indexing.recordFailure(failure('budget-reached'));
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
  });

  it('is checked after a pause, without delaying a search, and serves searches again', async () => {
    breakHosted();
    await modelThatAnswers(text('a dog'));
    hosted.onCall = () => undefined;
    expect(await modelThatAnswers(text('a cat'))).toBe('local');
    await clock.advance(2_000);
    expect(await modelThatAnswers(text('a car'))).toBe('local');
    expect(await modelThatAnswers(text('a boat'))).toBe('hosted');
    expect(logger.at('info')).toHaveLength(1);
  });

  it('is checked less and less often while it stays down', async () => {
    breakHosted();
    let probes = 0;
    hosted.checkHealth = () => {
      probes += 1;
      return Promise.resolve({ ok: false, message: 'down' });
    };
    for (let second = 0; second < 300; second += 1) {
      expect(await modelThatAnswers(text(`search ${String(second)}`))).toBe('local');
      await clock.advance(1_000);
    }
    // After 2, 4, 8, 16 and 32 s, then every minute.
    expect(probes).toBe(8);
    expect(hosted.textCalls).toHaveLength(1);
  });
});

describe('a model that hangs while it is opened', () => {
  let finish: () => void;
  let fail: (error: Error) => void;
  let openings: number;

  beforeEach(() => {
    const hanging = new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    openings = 0;
    opening = () => {
      openings += 1;
      return hanging;
    };
  });

  /** Milliseconds until a search gets the fallback's results. */
  async function waitOf(words: string): Promise<number> {
    const before = clock.now();
    let model = '';
    void modelThatAnswers(text(words)).then((answer) => {
      model = answer;
    });
    await clock.runUntil(() => model !== '');
    expect(model).toBe('local');
    return clock.now() - before;
  }

  it('delays the first search by a few seconds, and no other', async () => {
    expect(await waitOf('a dog')).toBe(4_000);
    expect(await waitOf('a cat')).toBe(0);
    expect(await waitOf('a car')).toBe(0);
    expect(logger.at('warn')).toHaveLength(1);
    expect(openings).toBe(1);
  });

  it('serves searches as soon as it is open', async () => {
    await waitOf('a dog');
    finish();
    await clock.advance(0);
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
    expect(logger.at('info')).toHaveLength(1);
  });

  it('is retried at once when that attempt to open it has failed', async () => {
    await waitOf('a dog');
    fail(failure('store-unavailable'));
    await clock.advance(0);
    opening = () => Promise.resolve();
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
    expect(logger.at('info')).toEqual([]);
  });

  it('is checked occasionally, because another model may be active now', async () => {
    await waitOf('a dog');
    opening = () => Promise.resolve();
    expect(await waitOf('a cat')).toBe(0);
    await clock.advance(5_000);
    expect(await waitOf('a car')).toBe(0);
    expect(await modelThatAnswers(text('a boat'))).toBe('hosted');
  });

  it("isn't considered hanging because a caller disconnected", async () => {
    const caller = new AbortController();
    const asked = failover.embed({ examples: [text('a dog')], signal: caller.signal });
    caller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'aborted' });
    opening = () => Promise.resolve();
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
  });
});

describe('an unavailable fallback', () => {
  it("doesn't hide the failure of the provider", async () => {
    breakHosted('provider-unauthorized');
    fallbackFailure = failure('provider-not-installed');
    await expect(modelThatAnswers(text('a dog'))).rejects.toMatchObject({
      code: 'provider-unauthorized',
    });
  });

  it("reports an image that it hasn't indexed yet", async () => {
    breakHosted();
    await expect(
      modelThatAnswers(text('a dog'), { kind: 'file', fileId: 2 }),
    ).rejects.toMatchObject({ code: 'not-ready' });
  });
});

describe('a vector', () => {
  it('is searched in its own space, whichever of the two that is', async () => {
    const vectorOf = (provider: HashProvider): EmbeddableExample => ({
      kind: 'vector',
      vector: hashVector(Buffer.from('a dog')),
      spaceId: provider.space.id,
    });
    expect(await modelThatAnswers(vectorOf(hosted))).toBe('hosted');
    expect(await modelThatAnswers(vectorOf(local))).toBe('local');
    await expect(
      modelThatAnswers({ ...vectorOf(local), spaceId: 'another' } as EmbeddableExample),
    ).rejects.toMatchObject({ code: 'space-mismatch' });
  });
});

it("a caller that disconnects gets an abort, and the provider isn't considered down", async () => {
  const caller = new AbortController();
  hosted.onCall = () => new Promise(() => undefined);
  const asked = failover.embed({ examples: [text('a dog')], signal: caller.signal });
  caller.abort();
  await expect(asked).rejects.toMatchObject({ code: 'aborted' });
  expect(local.textCalls).toEqual([]);
  expect(logger.lines).toEqual([]);
});
