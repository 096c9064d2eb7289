import { beforeEach, expect, it, jest } from '@jest/globals';
import { ViewPenalties } from '../../../plugin/src/search/view-penalty';
import type { VectorCollection, ViewVector } from '../../../plugin/src/vectors/contract';
import { createSeededRandom } from '../../../sample/seeded-random';
import { HashProvider } from '../../support/hash-provider';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { randomUnitVector } from '../../support/random-vectors';
import { pointOf } from '../../support/vector-points';

const random = createSeededRandom('view penalty');
const query = randomUnitVector(random, 8);
const part: ViewVector = { kind: 'part', number: 1, vector: randomUnitVector(random, 8) };
let collection: VectorCollection;

beforeEach(async () => {
  collection = await new MemoryVectorStore().ensureSpace(new HashProvider().space);
  const points = Array.from({ length: 200 }, (_, index) =>
    pointOf(index + 1, randomUnitVector(random, 8)),
  );
  await collection.upsert(points);
});

it('is nothing while no file has further views', async () => {
  const penalties = new ViewPenalties(() => 0);
  await expect(penalties.penaltyFor(collection, query)).resolves.toBe(0);
});

it("is a tenth of the standard deviation of the query's scores, from a sample that is kept", async () => {
  await collection.upsert([{ ...pointOf(500, query), views: [part] }]);
  let now = 0;
  const penalties = new ViewPenalties(() => now);
  const read = jest.spyOn(collection, 'getMany');
  const scores = (await collection.search({ vector: query, limit: 300, isWholeOnly: true })).map(
    ({ score }) => score,
  );
  expect(scores).toHaveLength(201);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
  const expected = Math.sqrt(variance) / 10;
  expect(await penalties.penaltyFor(collection, query)).toBeCloseTo(expected, 6);
  expect(await penalties.penaltyFor(collection, query)).toBeCloseTo(expected, 6);
  expect(read).toHaveBeenCalledTimes(1);
  now = 3_600_000;
  await penalties.penaltyFor(collection, query);
  expect(read).toHaveBeenCalledTimes(2);
});
