import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Pass } from '../../../plugin/src/duplicates/library-comparison';
import { ComparisonQueue } from '../../../plugin/src/duplicates/queues';
import { allPairs, findings, hashOf } from '../../conformance/duplicate-pairs/situations';
import { range } from '../../conformance/index-entries/situations';
import { bareTrace } from '../../support/duplicate-world';
import { createFakeClock } from '../../support/fake-clock';
import { MemoryDuplicatePairs } from '../../support/memory-duplicate-pairs';
import { MemoryImageTraces } from '../../support/memory-image-traces';
import { pollUntil } from '../../support/polling';
import { createRecordingLogger, type RecordingLogger } from '../../support/recording-logger';

const pass: Pass = { mark: '0:here', spaceId: 'here' };

let traces: MemoryImageTraces;
let pairs: MemoryDuplicatePairs;
let logger: RecordingLogger;
let queue: ComparisonQueue;
/** Files that were compared together. */
let batches: number[][];
/** Runs while a batch is compared. The comparison fails with what it throws. */
let onBatch: (fileIds: readonly number[]) => unknown;

beforeEach(async () => {
  traces = new MemoryImageTraces();
  pairs = new MemoryDuplicatePairs(createFakeClock());
  logger = createRecordingLogger();
  batches = [];
  onBatch = () => undefined;
  queue = createQueue(() => Promise.resolve(pass));
  await traces.put(range(1, 3).map((fileId) => ({ ...bareTrace(hashOf(fileId)), fileId })));
});

function createQueue(currentPass: (() => Promise<Pass>) | null): ComparisonQueue {
  return new ComparisonQueue({
    traces,
    pairs,
    logger,
    currentPass,
    comparison: {
      async compare(fileIds) {
        batches.push([...fileIds]);
        await onBatch(fileIds);
        return 0;
      },
    },
  });
}

const untilIdle = () =>
  pollUntil(
    () => Promise.resolve(queue.isBusy()),
    (isBusy) => !isBusy,
    { intervalMs: 1 },
  );

describe('an indexed image', () => {
  it('is compared in small batches, one after the other', async () => {
    let running = 0;
    onBatch = async () => {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      running -= 1;
    };
    queue.indexed(range(1, 15), 'here');
    expect(queue.isBusy()).toBe(true);
    queue.indexed(range(14, 12), 'here');
    await untilIdle();
    expect(batches).toEqual([range(1, 10), range(11, 10), range(21, 5)]);
    expect(logger.lines).toEqual([]);
  });

  it('is compared once the active model has indexed it, and only by its bytes without one', async () => {
    queue.indexed([1], 'a space that fills');
    queue.indexed([2], 'here');
    queue.traced([3]);
    await untilIdle();
    expect(batches.flat()).toEqual([2, 3]);
  });

  it('is compared first if it was uploaded, even if too many others wait', async () => {
    queue.indexed(range(1, 10_000), 'here');
    queue.indexed(range(10_001, 10), 'here', 'replacement');
    onBatch = ([first]) => {
      if (first === 1) queue.indexed([20_001, 20_002], 'here', 'upload');
      else void queue.stop();
    };
    await untilIdle();
    expect(batches).toEqual([range(1, 10), [20_001, 20_002, ...range(11, 8)]]);
  });

  it('is left to the scan if too many uploads wait', async () => {
    queue.indexed(range(1, 10_020), 'here', 'upload');
    await untilIdle();
    expect(batches.flat()).toEqual(range(1, 10_000));
  });

  it('is compared once, as an upload, if it waits as another', async () => {
    queue.indexed(range(1, 30), 'here');
    queue.indexed([25], 'here', 'upload');
    await untilIdle();
    expect(batches[1]?.[0]).toBe(25);
    expect(batches.flat()).toHaveLength(30);
  });

  it('is removed from the queue when its file is deleted', async () => {
    let forgetting: Promise<void> | undefined;
    onBatch = () => (forgetting ??= queue.forget([12]));
    queue.indexed(range(1, 13), 'here');
    await untilIdle();
    expect(batches).toEqual([range(1, 10), [11, 13]]);
  });

  it('is left to the scan when Strapi shuts down', async () => {
    let stopping: Promise<void> | undefined;
    onBatch = () => {
      stopping = queue.stop();
    };
    queue.indexed(range(1, 30), 'here');
    await untilIdle();
    await stopping;
    queue.indexed([31], 'here');
    expect(queue.isBusy()).toBe(false);
    expect(batches).toEqual([range(1, 10)]);
  });

  it("isn't compared while duplicate detection is off", async () => {
    queue = createQueue(null);
    await traces.markCompared(await traces.get([1]), pass.mark);
    await queue.beforeIndexing([1], 'here');
    queue.indexed([1], 'here');
    queue.traced([2]);
    expect(queue.isBusy()).toBe(false);
    expect(batches).toEqual([]);
    expect(await traces.notCompared(pass.mark, 10)).toEqual([2, 3]);
  });
});

describe('an image about to be indexed', () => {
  beforeEach(async () => {
    await traces.markCompared(await traces.get([1, 2, 3]), pass.mark);
  });

  it('counts as uncompared again', async () => {
    await queue.beforeIndexing([1, 3], 'here');
    expect(await traces.notCompared(pass.mark, 10)).toEqual([1, 3]);
  });

  it('stays compared while another model indexes it', async () => {
    await queue.beforeIndexing([1, 3], 'a space that fills');
    expect(await traces.notCompared(pass.mark, 10)).toEqual([]);
  });

  it("is indexed even if that can't be recorded", async () => {
    traces.onCall = () => {
      throw new Error('The database sleeps.');
    };
    await queue.beforeIndexing([1], 'here');
    expect(logger.at('warn')).toEqual([expect.stringContaining('The database sleeps.')]);
  });
});

describe('a deleted file', () => {
  it('loses its trace and its pairs, the trace first', async () => {
    await pairs.record([findings(1, [2, 3]), findings(2, [3])]);
    const known: number[] = [];
    const removeFiles = pairs.removeFiles.bind(pairs);
    pairs.removeFiles = async (fileIds) => {
      known.push(...(await traces.listIds(null, 10)).ids);
      await removeFiles(fileIds);
    };
    await queue.forget([1]);
    expect(known).toEqual([2, 3]);
    expect(await allPairs(pairs)).toMatchObject([{ fileA: 2, fileB: 3 }]);
  });

  it("is reported again if that couldn't be recorded", async () => {
    traces.onCall = () => {
      throw new Error('The database sleeps.');
    };
    await expect(queue.forget([1])).rejects.toThrow('The database sleeps.');
  });
});

describe('a failure', () => {
  it("is logged once while it lasts, and doesn't stop other batches", async () => {
    onBatch = ([first]) => {
      if (first !== 21) throw new Error('The store sleeps.');
    };
    queue.indexed(range(1, 20), 'here');
    await untilIdle();
    const warning = expect.stringContaining('The store sleeps.');
    expect(logger.at('warn')).toEqual([warning]);
    queue.indexed(range(21, 20), 'here');
    await untilIdle();
    expect(batches).toHaveLength(4);
    expect(logger.at('warn')).toEqual([warning, warning]);
  });
});
