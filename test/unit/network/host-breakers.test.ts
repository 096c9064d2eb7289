import { beforeEach, describe, expect, it } from '@jest/globals';
import { FetchError, type FetchFailure } from '../../../plugin/src/errors';
import { MAX_FAILED_FILES, pauseFailingHosts } from '../../../plugin/src/network/host-breakers';
import type { GuardedFetch } from '../../../plugin/src/network/contract';
import { createFakeClock, type FakeClock } from '../../support/fake-clock';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;

/** What each host answers, and the addresses that were requested. */
const failures = new Map<string, FetchFailure>();
const requested: string[] = [];
let clock: FakeClock;
let logger: RecordingLogger;
let fetch: ReturnType<typeof pauseFailingHosts>;

const network: GuardedFetch = {
  fetchBytes(address) {
    requested.push(address);
    const failure = failures.get(new URL(address).host);
    if (failure === undefined) return Promise.resolve(Uint8Array.of(7));
    return Promise.reject(new FetchError(failure, 'It failed.'));
  },
  dispose: () => Promise.resolve(),
};

beforeEach(() => {
  failures.clear();
  requested.length = 0;
  clock = createFakeClock();
  logger = createRecordingLogger();
  fetch = pauseFailingHosts(network, { clock, logger, random: () => 0 });
});

/** What reading this file comes to: `read`, or how it failed. */
async function read(address: string): Promise<string> {
  try {
    await fetch.fetchBytes(address, { maxBytes: 100, timeoutMs: 100 });
    return 'read';
  } catch (error) {
    return error instanceof FetchError ? error.failure : (error as { code: string }).code;
  }
}

async function readMany(host: string, count: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let file = 1; file <= count; file += 1) {
    outcomes.push(await read(`http://${host}/${String(file)}?signature=${String(clock.now())}`));
  }
  return outcomes;
}

describe('a host whose files fail', () => {
  it.each(['unreachable', 'refused'] as const)(
    'is paused once %s for many files in a row, and other hosts are not',
    async (failure) => {
      failures.set('s3', failure);
      const outcomes = await readMany('s3', MAX_FAILED_FILES + 1);
      expect(outcomes.slice(0, -1)).toEqual(Array(MAX_FAILED_FILES).fill(failure));
      expect(outcomes.at(-1)).toBe('storage-unavailable');
      expect(requested).toHaveLength(MAX_FAILED_FILES);
      expect(await read('http://other/1')).toBe('read');
      expect(fetch.pausedHosts()).toEqual([
        {
          host: 's3',
          message: expect.stringMatching(/s3.*It failed\./),
          // With `random` at 0 half of it.
          remainingSeconds: Math.ceil(FIRST_PAUSE_MS / 2 / 1_000),
        },
      ]);
      expect(logger.at('error')).toEqual([expect.stringMatching(/s3.*It failed\..*allowedHosts/)]);
    },
  );

  it.each(['missing', 'forbidden', 'too-large'] as const)(
    'is not paused when its response is %s',
    async (failure) => {
      failures.set('s3', failure);
      expect(await readMany('s3', 30)).toEqual(Array(30).fill(failure));
    },
  );

  it('is not paused by one file, however often that is retried', async () => {
    failures.set('s3', 'unreachable');
    for (let attempt = 0; attempt < 50; attempt += 1) {
      expect(await read(`http://s3/1?attempt=${String(attempt)}`)).toBe('unreachable');
    }
  });

  it('is not paused by files among others that can be read', async () => {
    for (let round = 0; round < 5; round += 1) {
      failures.set('s3', 'unreachable');
      await readMany('s3', MAX_FAILED_FILES - 1);
      failures.delete('s3');
      expect(await read('http://s3/good')).toBe('read');
    }
    expect(logger.lines).toEqual([]);
  });

  it('names the end of the pause', async () => {
    failures.set('s3', 'unreachable');
    await readMany('s3', MAX_FAILED_FILES);
    await expect(
      fetch.fetchBytes('http://s3/1', { maxBytes: 1, timeoutMs: 1 }),
    ).rejects.toMatchObject({ retryable: true, retryAfterMs: FIRST_PAUSE_MS / 2 });
  });

  it('is tried with one file after each pause, and read as soon as it is back', async () => {
    failures.set('s3', 'unreachable');
    await readMany('s3', MAX_FAILED_FILES);
    await clock.advance(FIRST_PAUSE_MS);
    requested.length = 0;
    const outcomes = await Promise.all([read('http://s3/1'), read('http://s3/2')]);
    expect(outcomes).toEqual(['unreachable', 'storage-unavailable']);
    expect(requested).toEqual(['http://s3/1']);
    failures.delete('s3');
    expect(await read('http://s3/1')).toBe('storage-unavailable');
    await clock.advance(LONGEST_PAUSE_MS);
    expect(await readMany('s3', 3)).toEqual(['read', 'read', 'read']);
    expect(logger.lines.map(({ level }) => level)).toEqual(['error', 'info']);
  });
});
