import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../plugin/src/clock';

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /**
   * Moves on by so many milliseconds. Waits end in the order of their times, and what each sets off has run before
   * the next one ends.
   */
  advance(milliseconds: number): Promise<void>;
  /** Sets the time of day forward, or back if negative, as an operator does: no wait ends sooner or later. */
  set(difference: number): void;
  /** Jumps from the end of one wait to that of the next until the condition holds. */
  runUntil(condition: () => boolean | Promise<boolean>): Promise<void>;
}

interface Wait {
  endsAt: number;
  end: () => void;
}

const START = Date.UTC(2026, 0, 1);
const MOST_JUMPS = 10_000;

/** For parts whose only waiting is on this clock and on promises: one turn of the event loop settles all of those. */
export function createFakeClock(start = START): FakeClock {
  let now = start;
  let difference = 0;
  const waits = new Set<Wait>();

  function nextWait(): Wait | undefined {
    return [...waits].sort((left, right) => left.endsAt - right.endsAt)[0];
  }

  async function endNext(wait: Wait): Promise<void> {
    now = Math.max(now, wait.endsAt);
    wait.end();
    await nextTurn();
  }

  return {
    now: () => now + difference,

    elapsed: () => now,

    set(milliseconds) {
      difference += milliseconds;
    },

    wait(milliseconds, signal) {
      return new Promise((resolve) => {
        const wait: Wait = {
          endsAt: now + milliseconds,
          end: () => {
            waits.delete(wait);
            signal.removeEventListener('abort', wait.end);
            resolve();
          },
        };
        waits.add(wait);
        if (signal.aborted) wait.end();
        else signal.addEventListener('abort', wait.end);
      });
    },

    async advance(milliseconds) {
      const target = now + milliseconds;
      await nextTurn();
      for (let wait = nextWait(); wait && wait.endsAt <= target; wait = nextWait()) {
        await endNext(wait);
      }
      now = target;
      await nextTurn();
    },

    async runUntil(condition) {
      await nextTurn();
      for (let jumps = 0; !(await condition()); jumps += 1) {
        const wait = nextWait();
        if (!wait) throw new Error('Nothing waits any more, and the condition does not hold.');
        if (jumps >= MOST_JUMPS) throw new Error('The condition does not hold in the end.');
        await endNext(wait);
      }
    },
  };
}
