import { afterEach, describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../../sample/seeded-random';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import type { IndexingWorker } from '../../../plugin/src/indexing/worker';
import { IndexingRig } from '../../support/indexing-rig';

/** Images of the library, and of a batch. */
const IMAGES = 600;
const BATCH = 8;
const SECOND_MS = 1_000;
/** Estimates may be off by this factor. */
const TOLERANCE = 1.5;

let rig: IndexingRig;
let worker: IndexingWorker;
const never = new AbortController().signal;

afterEach(async () => {
  await rig.stopAll();
});

interface Sample {
  /** Since the worker started. */
  seconds: number;
  remaining: number;
  perSecond: number | null;
}

/** Indexes the library, and notes once a second what the worker says. */
async function index(options: {
  /** How long a call takes, in milliseconds; `call` counts from 0. */
  callMs: (seconds: number, call: number) => number;
  concurrentCalls?: number;
  /** Fails calls instead. */
  isDown?: (seconds: number) => boolean;
}): Promise<Sample[]> {
  const { callMs, concurrentCalls = 1, isDown = () => false } = options;
  rig = new IndexingRig(new HashProvider({ limits: { imagesPerCall: BATCH, concurrentCalls } }));
  const { clock } = rig;
  const startedAt = clock.now();
  const seconds = (): number => (clock.now() - startedAt) / SECOND_MS;
  let calls = 0;
  rig.provider.onCall = async (_inputs, signal) => {
    calls += 1;
    await clock.wait(callMs(seconds(), calls - 1), signal ?? never);
    if (isDown(seconds())) throw failure('provider-unavailable', { retryAfterMs: 20_000 });
  };
  await rig.backfill(Array.from({ length: IMAGES }, (_, position) => position + 1));
  worker = rig.start();
  const samples: Sample[] = [];
  for (;;) {
    await clock.advance(SECOND_MS);
    const { pending, indexing } = await rig.entries.counts();
    const { perSecond } = worker.status();
    if (pending + indexing === 0) return samples;
    samples.push({ seconds: seconds(), remaining: pending + indexing, perSecond });
  }
}

/** Samples from then on, whose estimates differ from the time that was left in fact by more than the tolerance. */
function wrong(samples: readonly Sample[], since: number, slackSeconds: number): object[] {
  const end = (samples.at(-1)?.seconds ?? 0) + 1;
  return samples
    .filter(({ seconds }) => seconds >= since)
    .map(({ seconds, remaining, perSecond }) => ({
      seconds,
      left: end - seconds,
      estimate: perSecond === null ? null : remaining / perSecond,
    }))
    .filter(
      ({ estimate, left }) =>
        estimate === null ||
        estimate > left * TOLERANCE + slackSeconds ||
        estimate < left / TOLERANCE - slackSeconds,
    );
}

describe('time left', () => {
  const random = createSeededRandom('throughput');
  it.each([
    ['a steady model', { callMs: () => 900 }, 1],
    ['a model that takes a while to start', { callMs: (_, call) => (call === 0 ? 9_000 : 700) }, 1],
    ['a slow hosted API with two calls at a time', { callMs: () => 3_000, concurrentCalls: 2 }, 3],
    ['images of very different sizes', { callMs: () => random.integer(400, 2_000) }, 3],
  ] satisfies [string, Parameters<typeof index>[0], number][])(
    'is right from ten seconds on for %s, and null before',
    async (_what, options, slackSeconds) => {
      const samples = await index(options);
      const early = samples.filter(({ seconds }) => seconds < 10);
      expect(early.map(({ perSecond }) => perSecond)).toEqual(early.map(() => null));
      expect(samples.length).toBeGreaterThan(30);
      expect(wrong(samples, 12, slackSeconds)).toEqual([]);
    },
  );

  it.each([
    ['slower', 600, 1_800],
    ['faster', 1_800, 600],
  ])('adapts within twelve seconds to a model that gets %s', async (_what, before, after) => {
    const changedAt = 30;
    const samples = await index({
      callMs: (seconds) => (seconds < changedAt ? before : after),
    });
    expect(samples.filter(({ seconds }) => seconds > changedAt).length).toBeGreaterThan(15);
    expect(wrong(samples, changedAt + 13, 2)).toEqual([]);
  });

  it('leaves out pauses and calls that fail', async () => {
    const samples = await index({
      callMs: () => 900,
      isDown: (seconds) => seconds >= 20 && seconds < 30,
    });
    const after = samples.filter(({ seconds }) => seconds >= 45);
    expect(after.length).toBeGreaterThan(20);
    expect(wrong(samples, 45, 1)).toEqual([]);
  });

  it('starts over after the queue was empty', async () => {
    await index({ callMs: () => 900 });
    await rig.clock.advance(20_000);
    expect(worker.status()).toMatchObject({ perSecond: null });
    await rig.backfill(Array.from({ length: IMAGES }, (_, position) => 1_001 + position));
    worker.wake();
    await rig.clock.advance(9_000);
    expect(worker.status()).toMatchObject({ state: 'working', perSecond: null });
    await rig.clock.advance(3_000);
    expect(worker.status().perSecond).toBeCloseTo(BATCH / 0.9, 0);
  });
});
