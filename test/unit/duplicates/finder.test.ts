import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { Judge, PictureTrace } from '../../../plugin/src/duplicates/contract';
import { createDuplicateFinder } from '../../../plugin/src/duplicates/finder';
import { traceOf } from '../../bench/duplicates/traces';
import { bareTrace, DuplicateWorld, reference } from '../../support/duplicate-world';
import { samplePicture } from '../../support/library';
import { reader } from '../images/pictures';

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
    ...(judge && { judgeFor: () => judge }),
  });
}

describe('duplicates of real pictures', () => {
  let original: PictureTrace;
  let copy: PictureTrace;
  let flipped: PictureTrace;
  let other: PictureTrace;
  beforeAll(async () => {
    const { bytes } = await samplePicture('elephant');
    original = await traceOf(bytes, reader);
    copy = await traceOf(await sharp(bytes).resize(200).jpeg({ quality: 60 }).toBuffer(), reader);
    flipped = await traceOf(await sharp(bytes).flop().png().toBuffer(), reader);
    other = await traceOf((await samplePicture('teapot')).bytes, reader);
  });

  it('are found, the surest first, and nothing else, however close', async () => {
    await world.add(1, original, 1);
    await world.add(2, other, 0.99);
    await world.add(3, flipped, 0.9);
    await world.add(4, copy, 0.8);
    await world.add(5, original, 1);
    const finder = createFinder();
    const picture = { trace: original, vector: reference, exceptFileId: 1 };
    expect(await finder.find(picture)).toEqual([
      { fileId: 5, contentHash: original.contentHash, verdict: { kind: 'identical' } },
      {
        fileId: 4,
        contentHash: copy.contentHash,
        verdict: expect.objectContaining({ kind: 'same-picture' }),
      },
      {
        fileId: 3,
        contentHash: flipped.contentHash,
        verdict: expect.objectContaining({
          kind: 'variant',
          similarity: expect.closeTo(0.9, 5),
          alignment: expect.objectContaining({ isMirrored: true }),
        }),
      },
    ]);
  });

  it('are those of equal bytes alone when there is no vector', async () => {
    await world.add(1, original, null);
    await world.add(2, copy, 0.9);
    const picture = { trace: original, vector: null, exceptFileId: null };
    expect(await createFinder().find(picture)).toMatchObject([
      { fileId: 1, verdict: { kind: 'identical' } },
    ]);
  });

  it('are found of a picture that is not in the library', async () => {
    await world.add(1, copy, 0.9);
    const picture = { trace: original, vector: reference, exceptFileId: null };
    expect(await createFinder().find(picture)).toMatchObject([{ fileId: 1 }]);
  });

  it('are none in an empty library', async () => {
    const picture = { trace: original, vector: reference, exceptFileId: null };
    expect(await createFinder().find(picture)).toEqual([]);
  });

  it('are those of equal bytes alone when the vector is of another model', async () => {
    await world.add(1, original, null);
    await world.add(2, copy, 0.9);
    const picture = { trace: original, vector: Float32Array.of(1, 0, 0), exceptFileId: null };
    expect(await createFinder().find(picture)).toMatchObject([{ fileId: 1 }]);
  });
});

describe('what is looked at', () => {
  /** Files that a judge was asked to align, and what it says then. */
  class RecordingJudge implements Judge {
    readonly aligned: number[] = [];
    promising = new Set<number>();
    onJudge: () => void = () => undefined;

    judge(_one: PictureTrace, other: PictureTrace, similarity: number | null) {
      this.onJudge();
      if (similarity !== null) this.aligned.push(other.width);
      return null;
    }

    readonly prepared: PictureTrace[] = [];

    prepare(picture: PictureTrace): void {
      this.prepared.push(picture);
    }

    isPromising(_one: PictureTrace, other: PictureTrace): boolean {
      return this.promising.has(other.width);
    }
  }

  let judge: RecordingJudge;
  const picture = { trace: bareTrace('picture'), vector: reference, exceptFileId: null };
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

  it('is aligned for the nearest few alone', async () => {
    await addFiles(60);
    await createFinder(judge).find(picture);
    expect(judge.aligned).toEqual([1, 2, 3]);
  });

  it('is prepared for the picture while its neighbours are searched', async () => {
    await addFiles(1);
    const collection = await world.collection();
    const search = collection.search.bind(collection);
    const prepared: PictureTrace[][] = [];
    jest.spyOn(collection, 'search').mockImplementation(async (query) => {
      await new Promise(setImmediate);
      prepared.push([...judge.prepared]);
      return search(query);
    });
    const openCollection = () => Promise.resolve(collection);
    const { traces } = world;
    await createDuplicateFinder({ traces, openCollection, judgeFor: () => judge }).find(picture);
    expect(prepared).toEqual([[picture.trace]]);
  });

  it('is aligned for those first whose fingerprints promise something', async () => {
    await addFiles(60);
    judge.promising = new Set([9, 15, 55]);
    await createFinder(judge).find(picture);
    expect(judge.aligned).toEqual([9, 15, 1, 2, 3]);
    expect(judge.aligned).toHaveLength(MOST_ALIGNED);
  });

  it('is no more than some files of the same bytes', async () => {
    for (let fileId = 1; fileId <= 30; fileId += 1) {
      await world.add(fileId, bareTrace('picture'), null);
    }
    const found = await createFinder().find({ ...picture, exceptFileId: 7 });
    expect(found).toHaveLength(MOST_EQUAL);
    expect(found.map(({ fileId }) => fileId)).toEqual([
      ...Array.from({ length: MOST_EQUAL + 1 }, (_, index) => index + 1).filter((id) => id !== 7),
    ]);
  });

  it('is others than copies when there are many of these', async () => {
    for (let fileId = 101; fileId <= 119; fileId += 1) {
      await world.add(fileId, bareTrace('picture'), 1);
    }
    await addFiles(3);
    await createFinder(judge).find(picture);
    expect(judge.aligned).toEqual([1, 2, 3]);
  });

  it('leaves the event loop its turn between any two pictures', async () => {
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
    await createFinder(judge).find(picture);
    isOver = true;
    expect(seen.length).toBeGreaterThan(20);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('ends when it is given up', async () => {
    await addFiles(30);
    const giveUp = new AbortController();
    let judged = 0;
    judge.onJudge = () => {
      judged += 1;
      if (judged === 3) giveUp.abort();
    };
    await expect(createFinder(judge).find(picture, giveUp.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(judged).toBe(3);
  });

  it('is never a file without a trace', async () => {
    await addFiles(2);
    await world.traces.remove([1]);
    await createFinder(judge).find(picture);
    expect(judge.aligned).toEqual([2]);
  });
});
