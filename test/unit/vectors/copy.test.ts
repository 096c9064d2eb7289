import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { VectorSpace } from '../../../plugin/src/embedding/contract';
import { createVectorSpace } from '../../../plugin/src/embedding/vector-space';
import type { VectorCollection, VectorPoint } from '../../../plugin/src/vectors/contract';
import { copyVectors, type CopyProgress } from '../../../plugin/src/vectors/copy';
import { createSeededRandom } from '../../../sample/seeded-random';
import { createEmbeddedStoreFolder, type EmbeddedStoreFolder } from '../../support/embedded-store';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { randomUnitVector } from '../../support/random-vectors';
import { pointOf } from '../../support/vector-points';

const POINTS = 1_234;
const DIMENSIONS = 8;

const spaceOf = (model: string, dimensions = DIMENSIONS): VectorSpace =>
  createVectorSpace({ provider: 'test', model, dimensions, preprocessing: 'none' });

/** Every third id from 3 on, which leaves gaps between them. */
function pointsOf(count: number): VectorPoint[] {
  const random = createSeededRandom('copy');
  return Array.from({ length: count }, (_, index) =>
    pointOf(3 * (index + 1), randomUnitVector(random, DIMENSIONS), random.hexadecimal(64)),
  );
}

async function allPoints(collection: VectorCollection): Promise<VectorPoint[]> {
  const { ids } = await collection.listIds(null, 100_000);
  const points = await collection.getMany(ids);
  return points.toSorted((left, right) => left.fileId - right.fileId);
}

const points = pointsOf(POINTS);
const space = spaceOf('first');

let source: MemoryVectorStore;
let target: MemoryVectorStore;
let from: VectorCollection;
let to: VectorCollection;
/** Ids of every upsert to the target. */
let written: number[][];

beforeEach(async () => {
  source = new MemoryVectorStore();
  target = new MemoryVectorStore();
  from = await source.ensureSpace(space);
  await from.upsert(points);
  to = await target.ensureSpace(space);
  written = [];
  const upsert = to.upsert.bind(to);
  jest.spyOn(to, 'upsert').mockImplementation(async (given) => {
    written.push(given.map(({ fileId }) => fileId));
    await upsert(given);
  });
});

describe('copyVectors', () => {
  it('copies every point, vector and payload to the target, in the order of the ids', async () => {
    const results = await copyVectors({ source, target });
    expect(results).toEqual([
      { space, total: POINTS, done: POINTS, copied: POINTS, unchanged: 0, extra: 0 },
    ]);
    expect(await allPoints(to)).toEqual(points);
    expect(written.flat()).toEqual(points.map(({ fileId }) => fileId));
  });

  it("doesn't change the source", async () => {
    await copyVectors({ source, target, removeExtra: true });
    expect(await allPoints(from)).toEqual(points);
  });

  it('writes nothing twice', async () => {
    await copyVectors({ source, target });
    written = [];
    const [result] = await copyVectors({ source, target });
    expect(result).toMatchObject({ done: POINTS, copied: 0, unchanged: POINTS });
    expect(written.flat()).toEqual([]);
  });

  it('reports its progress from start to finish', async () => {
    const steps: CopyProgress[] = [];
    await copyVectors({ source, target, onProgress: (step) => steps.push(step) });
    expect(steps.map(({ done }) => done)).toEqual([0, 500, 1_000, POINTS]);
    expect(steps.every(({ total }) => total === POINTS)).toBe(true);
  });

  it('stops when aborted, and resumes from there on the next run', async () => {
    const interruption = new AbortController();
    const copy = copyVectors({
      source,
      target,
      signal: interruption.signal,
      onProgress: ({ done }) => {
        if (done === 500) interruption.abort();
      },
    });
    await expect(copy).rejects.toMatchObject({ code: 'aborted' });
    expect(await to.count()).toBe(500);
    const [result] = await copyVectors({ source, target });
    expect(result).toMatchObject({ copied: POINTS - 500, unchanged: 500 });
    expect(written.flat()).toEqual(points.map(({ fileId }) => fileId));
    expect(await allPoints(to)).toEqual(points);
  });

  it('does nothing if it is aborted before it starts', async () => {
    const copy = copyVectors({ source, target, signal: AbortSignal.abort() });
    await expect(copy).rejects.toMatchObject({ code: 'aborted' });
    expect(written).toEqual([]);
  });

  it.each(['contentHash', 'mimeType', 'extension', 'createdAt'] as const)(
    'copies only points whose %s has changed',
    async (name) => {
      await copyVectors({ source, target });
      written = [];
      const [changed] = points.slice(700, 701).map((point) => ({
        ...point,
        payload: { ...point.payload, [name]: 'another' },
      }));
      if (!changed) throw new Error('There are too few points.');
      await from.upsert([changed]);
      const [result] = await copyVectors({ source, target });
      expect(result).toMatchObject({ copied: 1, unchanged: POINTS - 1 });
      expect(written.flat()).toEqual([changed.fileId]);
      expect(await to.getMany([changed.fileId])).toEqual([changed]);
    },
  );

  it('tolerates points that are removed while it reads', async () => {
    const getMany = from.getMany.bind(from);
    const gone = [3, 6, 3 * POINTS];
    jest.spyOn(from, 'getMany').mockImplementation(async (ids) => {
      await from.remove(gone);
      return getMany(ids);
    });
    const [result] = await copyVectors({ source, target });
    expect(result).toMatchObject({ done: POINTS - 3, total: POINTS - 3 });
    expect(await to.getMany(gone)).toEqual([]);
  });

  it('keeps at most one page in memory, a smaller one for long vectors', async () => {
    const long = await source.ensureSpace(spaceOf('long', 4_000));
    const vector = new Float32Array(4_000).fill(1 / Math.sqrt(4_000));
    await long.upsert(points.slice(0, 300).map((point) => ({ ...point, vector })));
    const reads = [jest.spyOn(from, 'getMany'), jest.spyOn(long, 'getMany')];
    await copyVectors({ source, target });
    const [short, longer] = reads.map(({ mock }) => mock.calls.map(([ids]) => ids.length));
    expect(short).toEqual([500, 500, 234]);
    expect(longer).toEqual([250, 50]);
  });
});

describe('points that only the target has', () => {
  /** Before, between and after those of the source. */
  const extraIds = [1, 4, 1_501, 3 * POINTS + 1, 3 * POINTS + 1_000];

  beforeEach(async () => {
    await to.upsert(extraIds.map((id) => pointOf(id, points[0]?.vector ?? new Float32Array())));
    written = [];
  });

  it('are kept and counted', async () => {
    const [result] = await copyVectors({ source, target });
    expect(result).toMatchObject({ done: POINTS, copied: POINTS, extra: extraIds.length });
    expect(await to.count()).toBe(POINTS + extraIds.length);
  });

  it('are removed on request', async () => {
    const [result] = await copyVectors({ source, target, removeExtra: true });
    expect(result).toMatchObject({ done: POINTS, extra: extraIds.length });
    expect(await allPoints(to)).toEqual(points);
  });

  it('are removed even if the source is empty', async () => {
    await from.remove(points.map(({ fileId }) => fileId));
    const many = pointsOf(1_100);
    await to.upsert(many);
    const [result] = await copyVectors({ source, target, removeExtra: true });
    expect(result).toMatchObject({ total: 0, done: 0, extra: many.length + extraIds.length });
    expect(await to.count()).toBe(0);
  });
});

describe('spaces', () => {
  beforeEach(async () => {
    const second = await source.ensureSpace(spaceOf('second'));
    await second.upsert(points.slice(0, 10));
  });

  it('are all copied, one after the other', async () => {
    const results = await copyVectors({ source, target });
    expect(results.map((result) => [result.space.model, result.done])).toEqual([
      ['first', POINTS],
      ['second', 10],
    ]);
    expect(await target.listSpaces()).toEqual(await source.listSpaces());
  });

  it('can be copied individually by id', async () => {
    const { id } = spaceOf('second');
    const results = await copyVectors({ source, target, spaceId: id });
    expect(results.map((result) => result.space.id)).toEqual([id]);
    expect(await to.count()).toBe(0);
  });

  it('that only the target has are left alone', async () => {
    const third = await target.ensureSpace(spaceOf('third'));
    await third.upsert(points.slice(0, 5));
    await copyVectors({ source, target, removeExtra: true });
    expect(await third.count()).toBe(5);
  });

  it('that do not exist are reported with those that do', async () => {
    const copy = copyVectors({ source, target, spaceId: 'wrong' });
    await expect(copy).rejects.toMatchObject({
      code: 'invalid-input',
      message: `There is no space "wrong" to copy. Available spaces: "${space.id}", "${spaceOf('second').id}".`,
    });
    const empty = copyVectors({ source: new MemoryVectorStore(), target, spaceId: 'wrong' });
    await expect(empty).rejects.toThrow('Available spaces: none.');
  });

  it('may be empty', async () => {
    expect(await copyVectors({ source: new MemoryVectorStore(), target })).toEqual([]);
  });

  it('of another length at the target are rejected', async () => {
    const other = new MemoryVectorStore();
    await other.ensureSpace({ ...space, dimensions: DIMENSIONS + 1 });
    const copy = copyVectors({ source, target: other, spaceId: space.id });
    await expect(copy).rejects.toMatchObject({ code: 'store-space-clash' });
  });
});

describe('an unreliable target', () => {
  it('fails the copy when it loses points', async () => {
    const losing = new MemoryVectorStore();
    const collection = await losing.ensureSpace(space);
    const upsert = collection.upsert.bind(collection);
    jest.spyOn(collection, 'upsert').mockImplementation((given) => upsert(given.slice(0, 499)));
    await expect(copyVectors({ source, target: losing })).rejects.toMatchObject({
      code: 'unexpected',
      retryable: true,
      message: expect.stringContaining(`1 points fewer in "${space.id}"`),
    });
  });

  it('fails the copy when another process writes to it', async () => {
    const count = to.count.bind(to);
    jest.spyOn(to, 'count').mockImplementation(async () => (await count()) + 2);
    await expect(copyVectors({ source, target })).rejects.toThrow('2 points more');
  });

  it('fails the copy with its error when it is down, and the copy can be resumed', async () => {
    const onProgress = ({ done }: CopyProgress): void => {
      target.isDown = done > 0;
    };
    const copy = copyVectors({ source, target, onProgress });
    await expect(copy).rejects.toMatchObject({ code: 'store-unavailable' });
    target.isDown = false;
    await copyVectors({ source, target });
    expect(written.flat()).toEqual(points.map(({ fileId }) => fileId));
  });
});

describe('the embedded store', () => {
  let folder: EmbeddedStoreFolder;

  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });

  afterEach(() => folder.destroy());

  it('returns what it was given, bit for bit', async () => {
    const embedded = await folder.open();
    await copyVectors({ source, target: embedded });
    await copyVectors({ source: await folder.open(), target });
    expect(await allPoints(to)).toEqual(points);
  });
});
