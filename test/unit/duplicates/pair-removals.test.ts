import { beforeEach, describe, expect, it } from '@jest/globals';
import { PairRemovals } from '../../../plugin/src/duplicates/queues';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

let logger: RecordingLogger;
/** What was removed, by call. */
let asked: number[][];
/** Ends the current call. */
let settle: (failure?: Error) => void;
let removals: PairRemovals;

beforeEach(() => {
  logger = createRecordingLogger();
  asked = [];
  const removeFiles = (fileIds: readonly number[]): Promise<void> => {
    asked.push([...fileIds]);
    return new Promise((resolve, reject) => {
      settle = (failure) => {
        if (failure) reject(failure);
        else resolve();
      };
    });
  };
  removals = new PairRemovals({ pairs: { removeFiles }, logger });
});

describe('forgetting pairs of deleted files', () => {
  it('makes one call at a time, for all files that arrived in the meantime', async () => {
    removals.add([1, 2]);
    removals.add([3]);
    removals.add([3, 4]);
    expect(asked).toEqual([[1, 2]]);
    settle();
    await untilAsked(2);
    expect(asked).toEqual([
      [1, 2],
      [3, 4],
    ]);
    settle();
    await removals.stop();
    removals.add([5]);
    expect(asked).toHaveLength(3);
    settle();
    await removals.stop();
  });

  it('makes no call without files', async () => {
    removals.add([]);
    await removals.stop();
    expect(asked).toEqual([]);
  });

  it('logs what failed, and continues', async () => {
    removals.add([1]);
    removals.add([2]);
    settle(new Error('The database sleeps.'));
    await untilAsked(2);
    settle();
    await removals.stop();
    expect(logger.at('warn')).toEqual([expect.stringContaining('The database sleeps.')]);
  });
});

async function untilAsked(times: number): Promise<void> {
  while (asked.length < times) await Promise.resolve();
}
