import { setTimeout as sleep } from 'node:timers/promises';

/** Time as the engine sees it, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch, for what is stored or shown: an operator or NTP may set it back or forward. */
  now(): number;
  /** Milliseconds since some moment, for durations: setting the clock doesn't change it. */
  elapsed(): number;
  /** Resolves after that time, or at once when the signal is aborted; never rejects. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  async wait(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, { signal, ref: false });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};

/** Whether work succeeds in that time; a failure counts as not done. Never rejects. */
export async function isDoneWithin(
  work: Promise<unknown>,
  { milliseconds, clock }: { milliseconds: number; clock: Pick<Clock, 'wait'> },
): Promise<boolean> {
  const ended = new AbortController();
  const timeIsUp = clock.wait(milliseconds, ended.signal).then(() => false);
  const isDone = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([isDone, timeIsUp]);
  } finally {
    ended.abort();
  }
}
