import { describe, expect, it } from '@jest/globals';
import type { VectorQuery } from '../../../../plugin/src/vectors/contract';
import { QuantizedIndex } from '../../../../plugin/src/vectors/embedded/quantized-index';
import { dotProduct } from '../../../../plugin/src/vectors/similarity';
import { createSeededRandom } from '../../../../sample/seeded-random';
import { randomUnitVector, toUnitLength } from '../../../support/random-vectors';
import { createStructuredVectors } from '../../../support/structured-vectors';

/** Vectors in an index by file id, and what an exact search finds among them. */
class Reference {
  readonly vectors = new Map<number, Float32Array>();

  search({ vector, limit, filter = {}, minimumScore = -1 }: VectorQuery): number[] {
    const { includeIds, excludeIds = [] } = filter;
    return [...this.vectors]
      .filter(([fileId]) => !excludeIds.includes(fileId))
      .filter(([fileId]) => includeIds?.includes(fileId) ?? true)
      .map(([fileId, stored]) => ({ fileId, score: dotProduct(stored, vector) }))
      .filter(({ score }) => score >= minimumScore)
      .sort((left, right) => right.score - left.score || left.fileId - right.fileId)
      .slice(0, limit)
      .map(({ fileId }) => fileId);
  }
}

function fill(vectors: readonly Float32Array[], sample = vectors) {
  const index = new QuantizedIndex(sample, 1);
  const reference = new Reference();
  for (const [position, vector] of vectors.entries()) {
    index.set(position + 1, vector);
    reference.vectors.set(position + 1, vector);
  }
  return { index, reference };
}

function expectAllHits(index: QuantizedIndex, reference: Reference, query: VectorQuery): void {
  const candidates = new Set(index.findCandidates(query).fileIds);
  const hits = reference.search(query);
  expect(hits.filter((fileId) => !candidates.has(fileId))).toEqual([]);
}

function times<Result>(count: number, make: () => Result): Result[] {
  return Array.from({ length: count }, make);
}

describe('QuantizedIndex', () => {
  it.each([1, 5, 16, 17, 100, 512])(
    'includes all hits in its candidates, in %i dimensions',
    (dimensions) => {
      const random = createSeededRandom(`index of ${String(dimensions)}`);
      const { index, reference } = fill(times(300, () => randomUnitVector(random, dimensions)));
      for (const limit of [1, 2, 20, 150, 300, 5000]) {
        const vector = randomUnitVector(random, dimensions);
        expectAllHits(index, reference, { vector, limit });
        expectAllHits(index, reference, { vector, limit, minimumScore: 0.1 });
      }
    },
  );

  it('needs few candidates for both texts and images', () => {
    const vectors = createStructuredVectors(8, 256);
    const { index, reference } = fill(times(6000, vectors.image));
    for (const vector of [...times(8, vectors.text), ...times(8, vectors.image)]) {
      expectAllHits(index, reference, { vector, limit: 20 });
      expect(index.findCandidates({ vector, limit: 20 }).fileIds.length).toBeLessThan(200);
    }
  });

  it('includes all hits when vectors are far from those it was trained on', () => {
    const learned = createStructuredVectors(8, 64);
    const others = createStructuredVectors(9, 64);
    const sample = times(50, learned.image);
    const { index, reference } = fill([...sample, ...times(500, others.text)], sample);
    for (const vector of [learned.text(), others.text(), others.image()]) {
      for (const limit of [1, 20, 400]) expectAllHits(index, reference, { vector, limit });
    }
  });

  it('includes all hits when it was trained on identical vectors', () => {
    const random = createSeededRandom('one vector');
    const one = randomUnitVector(random, 40);
    const { index, reference } = fill(
      [one, ...times(100, () => randomUnitVector(random, 40))],
      [one],
    );
    const constant = toUnitLength(new Array<number>(40).fill(1));
    for (const vector of [one, constant]) expectAllHits(index, reference, { vector, limit: 10 });
  });

  describe('trained on images that hardly differ', () => {
    const random = createSeededRandom('narrow');
    const base = randomUnitVector(random, 32);
    const near = times(50, () => nearBy(base, () => 0.001 * random.between(-1, 1)));
    const query = toUnitLength(new Array<number>(32).fill(1));

    it("isn't misled by a code that overestimates", () => {
      // Close to the query in all dimensions but the first, and its code can't express how far off it is there.
      const promising = nearBy(base, (index) => (index === 0 ? -0.8 : 0.01));
      const { index, reference } = fill([...near, promising], near);
      expect(reference.search({ vector: query, limit: 50 })).not.toContain(51);
      expectAllHits(index, reference, { vector: query, limit: 1 });
    });

    it('knows the error of a code after its point has moved', () => {
      // The reverse: better than all others, which its code can't express.
      const modest = nearBy(base, (index) => (index === 0 ? 0.8 : -0.01));
      const { index, reference } = fill([...near, modest], near);
      index.delete(1);
      reference.vectors.delete(1);
      expect(reference.search({ vector: query, limit: 1 })).toEqual([51]);
      expectAllHits(index, reference, { vector: query, limit: 1 });
    });
  });

  it("doesn't overflow when all products have the same sign", () => {
    const dimensions = 4096;
    const [plus, minus] = [1, -1].map((value) =>
      toUnitLength(new Array<number>(dimensions).fill(value)),
    ) as [Float32Array, Float32Array];
    const random = createSeededRandom('overflow');
    const noise = times(20, () => randomUnitVector(random, dimensions));
    const { index, reference } = fill([plus, minus, ...noise], noise);
    for (const vector of [plus, minus]) {
      expectAllHits(index, reference, { vector, limit: 1 });
      expect(index.findCandidates({ vector, limit: 1 }).fileIds).toEqual(
        reference.search({ vector, limit: 1 }),
      );
    }
  });

  it('keeps all ties at the cutoff', () => {
    const random = createSeededRandom('ties');
    const twin = randomUnitVector(random, 32);
    const { index } = fill([
      ...times(50, () => randomUnitVector(random, 32)),
      ...times(30, () => twin),
    ]);
    const { fileIds: candidates } = index.findCandidates({ vector: twin, limit: 3 });
    expect(candidates.toSorted((left, right) => left - right)).toEqual(
      Array.from({ length: 30 }, (_, position) => position + 51),
    );
  });

  it('tracks replaced and removed points, beyond its initial capacity', () => {
    const random = createSeededRandom('changes');
    const { index, reference } = fill(times(200, () => randomUnitVector(random, 24)));
    for (let change = 0; change < 3000; change += 1) {
      const fileId = random.integer(1, 6000);
      if (random.chance(0.3)) {
        index.delete(fileId);
        reference.vectors.delete(fileId);
      } else {
        const vector = randomUnitVector(random, 24);
        index.set(fileId, vector);
        reference.vectors.set(fileId, vector);
      }
    }
    expect(index.size).toBe(reference.vectors.size);
    const ids = [...reference.vectors.keys()];
    for (const limit of [1, 20, 500]) {
      const vector = randomUnitVector(random, 24);
      expectAllHits(index, reference, { vector, limit });
      const filter = { includeIds: ids.slice(0, 900), excludeIds: ids.slice(600, 1000) };
      expectAllHits(index, reference, { vector, limit, filter });
      const { fileIds: candidates } = index.findCandidates({ vector, limit, filter });
      expect(candidates.every((fileId) => ids.indexOf(fileId) < 600)).toBe(true);
      const few = { includeIds: [...ids.slice(40, 80), 9_999, ...ids.slice(60, 90)] };
      expectAllHits(index, reference, { vector, limit, filter: few });
      expect(new Set(index.findCandidates({ vector, limit: 50, filter: few }).fileIds)).toEqual(
        new Set(ids.slice(40, 90)),
      );
    }
    for (const fileId of ids) index.delete(fileId);
    expect(index.size).toBe(0);
    const vector = randomUnitVector(random, 24);
    expect(index.findCandidates({ vector, limit: 5 }).fileIds).toEqual([]);
  });
});

function nearBy(base: Float32Array, shift: (index: number) => number): Float32Array {
  return toUnitLength(Array.from(base, (value, index) => value + shift(index)));
}
