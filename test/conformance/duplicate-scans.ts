import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Problem } from '../../plugin/src/contracts/errors';
import type { DuplicateScans } from '../../plugin/src/duplicates/contract';
import { range } from './index-entries/situations';

const CALLERS = 12;

/** The contract of DuplicateScans; `empty` returns an implementation that knows of no scan. */
export function describeDuplicateScans(name: string, empty: () => Promise<DuplicateScans>): void {
  describe(`duplicate scans: ${name}`, () => {
    let scans: DuplicateScans;
    beforeEach(async () => {
      scans = await empty();
    });

    const begin = (minute: number, restart = true) => scans.begin({ restart, now: at(minute) });
    const report = (number: number, found: number, problem: Problem | null = null, failed = 0) =>
      scans.reportProgress(number, { found, failed, perMinute: 12.5, problem, now: at(1) });

    it('starts without a scan', async () => {
      expect(await scans.read()).toEqual({ ...nothing, state: 'never', number: 0 });
    });

    it('starts under the next number, or the same one when it resumes', async () => {
      const first = { ...nothing, state: 'running', startedAt: at(0) };
      expect(await begin(0, false)).toEqual({ ...first, number: 0 });
      expect(await scans.finish(0, at(1))).toBe(true);
      expect(await begin(2)).toEqual({ ...first, number: 1, startedAt: at(2) });
      expect(await scans.read()).toEqual({ ...first, number: 1, startedAt: at(2) });
    });

    it("doesn't change a running scan", async () => {
      await begin(0);
      await report(1, 3);
      const running = await scans.read();
      expect(await begin(5)).toEqual(running);
      expect(running).toMatchObject({ number: 1, found: 3, startedAt: at(0) });
    });

    it('begins once for concurrent callers', async () => {
      const begun = await Promise.all(range(1, CALLERS).map(() => begin(0)));
      expect(begun.map(({ number, state }) => [number, state])).toEqual(
        range(1, CALLERS).map(() => [1, 'running']),
      );
    });

    it('adds what is found, and replaces the rest', async () => {
      await begin(0);
      const problem = { code: 'store-unavailable', message: 'The store sleeps.' } as const;
      expect(await report(1, 3, problem)).toBe(true);
      expect(await scans.read()).toMatchObject({ found: 3, problem });
      expect(await report(1, 0)).toBe(true);
      await Promise.all(range(1, CALLERS).map((found) => report(1, found)));
      expect(await scans.read()).toMatchObject({
        state: 'running',
        found: 3 + 78,
        perMinute: 12.5,
        problem: null,
        startedAt: at(0),
        progressAt: at(1),
      });
    });

    it('ends with what was found, and what failed', async () => {
      await begin(0);
      await report(1, 3, null, 2);
      await report(1, 0, null, 1);
      expect(await scans.finish(1, at(2))).toBe(true);
      expect(await scans.read()).toMatchObject({
        state: 'done',
        number: 1,
        found: 3,
        failed: 3,
        perMinute: null,
        problem: null,
        startedAt: at(0),
        endedAt: at(2),
      });
      expect(await begin(3)).toMatchObject({ found: 0, failed: 0 });
    });

    it("ignores progress of a scan that isn't running", async () => {
      expect([await report(0, 1), await scans.finish(0, at(1))]).toEqual([false, false]);
      await begin(0);
      expect([await report(2, 1), await scans.finish(2, at(1))]).toEqual([false, false]);
      await scans.stop(at(2));
      expect([await report(1, 1), await scans.finish(1, at(3))]).toEqual([false, false]);
      expect(await scans.read()).toMatchObject({ state: 'stopped', found: 0, endedAt: at(2) });
    });

    it.each([true, false])('resumes a stopped scan (restart: %s)', async (restart) => {
      await begin(0);
      await report(1, 3, null, 2);
      expect(await scans.stop(at(2))).toMatchObject({ state: 'stopped', perMinute: null });
      expect(await scans.stop(at(3))).toMatchObject({ state: 'stopped', endedAt: at(2) });
      const on = {
        state: 'running',
        number: 1,
        found: 3,
        failed: 2,
        startedAt: at(0),
        endedAt: null,
      };
      expect(await begin(4, restart)).toMatchObject(on);
    });

    it('stops a scan that never ran or has ended', async () => {
      expect(await scans.stop(at(0))).toMatchObject({ state: 'stopped', number: 0 });
      expect(await begin(1)).toMatchObject({ state: 'running', number: 0, startedAt: at(1) });
      await scans.finish(0, at(2));
      expect(await scans.stop(at(3))).toMatchObject({ state: 'stopped', endedAt: at(3) });
    });
  });
}

const nothing = {
  found: 0,
  failed: 0,
  perMinute: null,
  problem: null,
  startedAt: null,
  endedAt: null,
  progressAt: null,
};

function at(minute: number): Date {
  return new Date(Date.UTC(2026, 0, 1, 12, minute));
}
