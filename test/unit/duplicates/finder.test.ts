import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createJudging } from '../../../plugin/src/duplicates/candidate-judging';
import { createDuplicateFinder } from '../../../plugin/src/duplicates/finder';
import type { DuplicateVerdict, Judge, ImageTrace } from '../../../plugin/src/matching/contract';
import { traceOf } from '../../bench/duplicates/traces';
import { bareTrace, DuplicateWorld, reference } from '../../support/duplicate-world';
import { sampleImage } from '../../support/library';
import { reader } from '../images/images';

const sameImage: DuplicateVerdict = {
  kind: 'same-image',
  fingerprintDistance: 0,
  correlation: 1,
  largestDifference: 0,
};
const MOST_ALIGNED = 5;
const MOST_EQUAL = 20;

let world: DuplicateWorld;
beforeEach(() => {
  world = new DuplicateWorld();
});

function createFinder(judge?: Judge) {
  return createDuplicateFinder({
    traces: world.traces,
    openCollection: () => world.collection(),
    ...(judge && { judging: createJudging(() => judge) }),
  });
}

describe('duplicates of real images', () => {
  let original: ImageTrace;
  let copy: ImageTrace;
  let flipped: ImageTrace;
  let other: ImageTrace;
  beforeAll(async () => {
    const { bytes } = await sampleImage('elephant');
    original = await traceOf(bytes, reader);
    copy = await traceOf(await sharp(bytes).resize(200).jpeg({ quality: 60 }).toBuffer(), reader);
    flipped = await traceOf(await sharp(bytes).flop().png().toBuffer(), reader);
    other = await traceOf((await sampleImage('teapot')).bytes, reader);
  });

  it('are found, the most certain first, and nothing else, however similar', async () => {
    await world.add(1, original, 1);
    await world.add(2, other, 0.99);
    await world.add(3, flipped, 0.9);
    await world.add(4, copy, 0.8);
    await world.add(5, original, 1);
    const finder = createFinder();
    const image = { trace: original, vector: reference, exceptFileId: 1 };
    expect(await finder.find(image)).toEqual([
      { fileId: 5, contentHash: original.contentHash, verdict: { kind: 'identical' } },
      {
        fileId: 4,
        contentHash: copy.contentHash,
        verdict: expect.objectContaining({ kind: 'same-image' }),
      },
      {
        fileId: 3,
        contentHash: flipped.contentHash,
        verdict: expect.objectContaining({
          kind: 'edited',
          similarity: expect.closeTo(0.9, 5),
          alignment: expect.objectContaining({ isMirrored: true }),
        }),
      },
    ]);
  });

  it('are only identical files without a vector', async () => {
    await world.add(1, original, null);
    await world.add(2, copy, 0.9);
    const image = { trace: original, vector: null, exceptFileId: null };
    expect(await createFinder().find(image)).toMatchObject([
      { fileId: 1, verdict: { kind: 'identical' } },
    ]);
  });

  it("are found for an image that isn't in the library", async () => {
    await world.add(1, copy, 0.9);
    const image = { trace: original, vector: reference, exceptFileId: null };
    expect(await createFinder().find(image)).toMatchObject([{ fileId: 1 }]);
  });

  it('are none in an empty library', async () => {
    const image = { trace: original, vector: reference, exceptFileId: null };
    expect(await createFinder().find(image)).toEqual([]);
  });

  it('are only identical files if the vector is from another model', async () => {
    await world.add(1, original, null);
    await world.add(2, copy, 0.9);
    const image = { trace: original, vector: Float32Array.of(1, 0, 0), exceptFileId: null };
    expect(await createFinder().find(image)).toMatchObject([{ fileId: 1 }]);
  });
});

describe('candidates', () => {
  /** Files that a judge was asked to align, and what it says then. */
  class RecordingJudge implements Judge {
    readonly aligned: number[] = [];
    promising = new Set<number>();
    /** Files that are duplicates once aligned. */
    duplicates = new Set<number>();
    onJudge: () => void = () => undefined;

    judge(_one: ImageTrace, other: ImageTrace, similarity: number | null): DuplicateVerdict | null {
      this.onJudge();
      if (similarity === null) return null;
      this.aligned.push(other.width);
      return this.duplicates.has(other.width) ? sameImage : null;
    }

    judgeTiles(): null {
      return null;
    }

    readonly prepared: ImageTrace[] = [];

    prepare(image: ImageTrace): void {
      this.prepared.push(image);
    }

    isPromising(_one: ImageTrace, other: ImageTrace): boolean {
      return this.promising.has(other.width);
    }
  }

  let judge: RecordingJudge;
  const image = { trace: bareTrace('image'), vector: reference, exceptFileId: null };
  beforeEach(() => {
    judge = new RecordingJudge();
  });

  /** Files whose traces tell their ids by their widths, each a bit further off than the one before. */
  async function addFiles(count: number): Promise<void> {
    for (let fileId = 1; fileId <= count; fileId += 1) {
      const trace = { ...bareTrace(`file ${String(fileId)}`), width: fileId };
      await world.add(fileId, trace, 1 - fileId / 1_000);
    }
  }

  it('are only aligned if among the nearest few', async () => {
    await addFiles(60);
    await createFinder(judge).find(image);
    expect(judge.aligned).toEqual([1, 2, 3]);
  });

  it('are all aligned while they turn out to be duplicates', async () => {
    await addFiles(60);
    judge.duplicates = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    const found = await createFinder(judge).find(image);
    expect(found.map(({ fileId }) => fileId)).toEqual([...judge.duplicates]);
    expect(judge.aligned.length).toBeLessThanOrEqual(30);
  });

  it('are aligned with promising fingerprints first', async () => {
    await addFiles(60);
    judge.promising = new Set([9, 15, 55]);
    await createFinder(judge).find(image);
    expect(judge.aligned).toEqual([9, 15, 1, 2, 3]);
    expect(judge.aligned).toHaveLength(MOST_ALIGNED);
  });

  it('include only some files with the same bytes', async () => {
    for (let fileId = 1; fileId <= 30; fileId += 1) {
      await world.add(fileId, bareTrace('image'), null);
    }
    const found = await createFinder().find({ ...image, exceptFileId: 7 });
    expect(found).toHaveLength(MOST_EQUAL);
    expect(found.map(({ fileId }) => fileId)).toEqual([
      ...Array.from({ length: MOST_EQUAL + 1 }, (_, index) => index + 1).filter((id) => id !== 7),
    ]);
  });

  it('include other files even if there are many copies', async () => {
    for (let fileId = 101; fileId <= 119; fileId += 1) {
      await world.add(fileId, bareTrace('image'), 1);
    }
    await addFiles(3);
    await createFinder(judge).find(image);
    expect(judge.aligned).toEqual([1, 2, 3]);
  });

  it('let the event loop run between any two images', async () => {
    await addFiles(30);
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const seen: number[] = [];
    judge.onJudge = () => {
      seen.push(turns);
    };
    await createFinder(judge).find(image);
    isOver = true;
    expect(seen.length).toBeGreaterThan(20);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('are no longer compared after an abort', async () => {
    await addFiles(30);
    const giveUp = new AbortController();
    let judged = 0;
    judge.onJudge = () => {
      judged += 1;
      if (judged === 3) giveUp.abort();
    };
    await expect(createFinder(judge).find(image, giveUp.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(judged).toBe(3);
  });

  it('never include a file without a trace', async () => {
    await addFiles(2);
    await world.traces.remove([1]);
    await createFinder(judge).find(image);
    expect(judge.aligned).toEqual([2]);
  });
});
