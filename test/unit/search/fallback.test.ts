import { beforeEach, describe, expect, it } from '@jest/globals';
import type { OpenSpace } from '../../../plugin/src/active-space';
import type { ImageSearchError, ErrorCode } from '../../../plugin/src/errors';
import { Answering } from '../../../plugin/src/search/answering';
import type { EmbeddableExample } from '../../../plugin/src/search/url-examples';
import { QueryEmbedder } from '../../../plugin/src/search/query-embedder';
import { failure } from '../../support/failures';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { HashProvider, hashVector } from '../../support/hash-provider';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { plainPicture, plainPictureReader } from '../../support/plain-pictures';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

let clock: FakeClock;
let logger: RecordingLogger;
let hosted: HashProvider;
let local: HashProvider;
let answering: Answering;
/** What opening the hosted model takes. */
let opening: () => Promise<void>;
/** What keeps the fallback from opening. */
let fallbackFailure: Error | null;
/** What indexing pauses for. */
let pause: ImageSearchError | null;

beforeEach(async () => {
  clock = createFakeClock();
  logger = createRecordingLogger();
  hosted = new HashProvider({ model: 'hosted' });
  local = new HashProvider({ model: 'local' });
  opening = () => Promise.resolve();
  fallbackFailure = null;
  pause = null;
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
  answering = new Answering({
    clock,
    logger,
    embedder: new QueryEmbedder({
      ...{ pictures: plainPictureReader, cacheEntries: 10, cacheMs: 60_000, clock },
    }),
    spaces: {
      hasFallback: true,
      get: () => opening().then(() => open(hosted)),
      getFallback: () => (fallbackFailure ? Promise.reject(fallbackFailure) : open(local)),
      pauseError: () => pause,
    },
  });
});

function breakHosted(code: ErrorCode = 'provider-unavailable'): void {
  hosted.onCall = () => {
    throw failure(code);
  };
}

const text = (words: string): EmbeddableExample => ({ kind: 'text', text: words });
const picture = (shown: string): EmbeddableExample => ({
  kind: 'image',
  bytes: plainPicture(shown),
});

async function modelThatAnswers(...examples: EmbeddableExample[]): Promise<string> {
  const { space, vectors } = await answering.embed({ examples, signal: undefined });
  expect(vectors).toHaveLength(examples.length);
  return space.provider.space.model;
}

describe('a provider that is well', () => {
  it('answers, and the fallback is asked nothing', async () => {
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
    expect(local.textCalls).toEqual([]);
  });

  it('is told what is wrong with a question, which no other model is asked then', async () => {
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
  ])('leaves the question to the fallback: %s', async (code) => {
    breakHosted(code);
    expect(await modelThatAnswers(text('a dog'))).toBe('local');
    expect(logger.at('warn')).toHaveLength(1);
  });

  it('is not asked again for what is known, and said once', async () => {
    breakHosted();
    await modelThatAnswers(text('a dog'));
    for (const words of ['a cat', 'a car']) {
      expect(await modelThatAnswers(text(words))).toBe('local');
    }
    expect(hosted.textCalls).toEqual([['a dog']]);
    expect(logger.at('warn')).toHaveLength(1);
  });

  it('still answers what needs nothing of it: what is remembered, and files', async () => {
    await modelThatAnswers(text('a dog'), picture('a dog'));
    breakHosted();
    expect(await modelThatAnswers(text('a cat'))).toBe('local');
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
    expect(await modelThatAnswers({ kind: 'file', fileId: 1 })).toBe('hosted');
    expect(await modelThatAnswers(picture('a dog'))).toBe('hosted');
    expect(await modelThatAnswers(picture('a cat'))).toBe('local');
  });

  it('gives a question to the fallback as a whole: never are two spaces mixed', async () => {
    await modelThatAnswers(text('a dog'));
    breakHosted();
    const examples: EmbeddableExample[] = [
      text('a dog'),
      { kind: 'file', fileId: 1 },
      text('a cat'),
    ];
    const { isFallback, space, vectors } = await answering.embed({ examples, signal: undefined });
    expect([isFallback, space.provider.space.model]).toEqual([true, 'local']);
    expect(vectors[1]).toEqual(hashVector(Buffer.from('local')));
    expect(local.textCalls).toEqual([['a dog', 'a cat']]);
  });

  it('is not waited for any longer than some seconds', async () => {
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

  it('is not taken for down by everybody because one picture took too long', async () => {
    hosted.onCall = () => new Promise(() => undefined);
    let model = '';
    void modelThatAnswers(picture('a dog')).then((answer) => {
      model = answer;
    });
    await clock.runUntil(() => model !== '');
    expect(model).toBe('local');
    hosted.onCall = () => undefined;
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
  });

  it('is not taken for down when it only asked indexing to come back later', async () => {
    pause = failure('provider-unavailable', { retryable: true, retryAfterMs: 60_000 });
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
  });

  it('is known to be down by what indexing found out', async () => {
    pause = failure('provider-unauthorized');
    expect(await modelThatAnswers(text('a dog'))).toBe('local');
    expect(hosted.textCalls).toEqual([]);
  });

  it('is not taken for down when indexing pauses for another reason', async () => {
    pause = failure('budget-reached');
    expect(await modelThatAnswers(text('a dog'))).toBe('hosted');
  });

  it('is asked how it is after a pause, without keeping a search waiting, and answers again', async () => {
    breakHosted();
    await modelThatAnswers(text('a dog'));
    hosted.onCall = () => undefined;
    expect(await modelThatAnswers(text('a cat'))).toBe('local');
    await clock.advance(2_000);
    expect(await modelThatAnswers(text('a car'))).toBe('local');
    expect(await modelThatAnswers(text('a boat'))).toBe('hosted');
    expect(logger.at('info')).toHaveLength(1);
  });

  it('is asked less and less often while it stays down', async () => {
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

  /** Milliseconds that a search waits for its answer, which is the fallback's. */
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

  it('keeps the first search waiting for some seconds, and no other', async () => {
    expect(await waitOf('a dog')).toBe(4_000);
    expect(await waitOf('a cat')).toBe(0);
    expect(await waitOf('a car')).toBe(0);
    expect(logger.at('warn')).toHaveLength(1);
    expect(openings).toBe(1);
  });

  it('answers as soon as it is open', async () => {
    await waitOf('a dog');
    finish();
    await clock.advance(0);
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
    expect(logger.at('info')).toHaveLength(1);
  });

  it('is asked again at once when that opening has failed', async () => {
    await waitOf('a dog');
    fail(failure('store-unavailable'));
    await clock.advance(0);
    opening = () => Promise.resolve();
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
    expect(logger.at('info')).toEqual([]);
  });

  it('is looked after from time to time, for another one may answer by now', async () => {
    await waitOf('a dog');
    opening = () => Promise.resolve();
    expect(await waitOf('a cat')).toBe(0);
    await clock.advance(5_000);
    expect(await waitOf('a car')).toBe(0);
    expect(await modelThatAnswers(text('a boat'))).toBe('hosted');
  });

  it('is not taken to hang because a caller hung up', async () => {
    const caller = new AbortController();
    const asked = answering.embed({ examples: [text('a dog')], signal: caller.signal });
    caller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'aborted' });
    opening = () => Promise.resolve();
    expect(await modelThatAnswers(text('a cat'))).toBe('hosted');
  });
});

describe('a fallback that is not there', () => {
  it('leaves the failure of the provider', async () => {
    breakHosted('provider-unauthorized');
    fallbackFailure = failure('provider-not-installed');
    await expect(modelThatAnswers(text('a dog'))).rejects.toMatchObject({
      code: 'provider-unauthorized',
    });
  });

  it('as a picture that it has not indexed yet is said', async () => {
    breakHosted();
    await expect(
      modelThatAnswers(text('a dog'), { kind: 'file', fileId: 2 }),
    ).rejects.toMatchObject({ code: 'not-ready' });
  });
});

describe('a vector', () => {
  it('is answered in the space that it was made in, whichever of the two that is', async () => {
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

it('a caller that hangs up is told so, and the provider is not taken for down', async () => {
  const caller = new AbortController();
  hosted.onCall = () => new Promise(() => undefined);
  const asked = answering.embed({ examples: [text('a dog')], signal: caller.signal });
  caller.abort();
  await expect(asked).rejects.toMatchObject({ code: 'aborted' });
  expect(local.textCalls).toEqual([]);
  expect(logger.lines).toEqual([]);
});
