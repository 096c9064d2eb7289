import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Calibration } from '../../../plugin/src/search/relevance/contract';
import { wordRelevance } from '../../../plugin/src/search/relevance/judging';
import { calibrate, embedNullTexts } from '../../../plugin/src/search/relevance/measurement';
import { listNullTexts, NULL_TEXTS_VERSION } from '../../../plugin/src/search/relevance/null-texts';
import {
  kindOfVector,
  LIKELY,
  relevanceOf,
  scaleOf,
  scoreFrom,
  STRONG,
  textSignal,
  withLikelyFrom,
} from '../../../plugin/src/search/relevance/scale';
import type { VectorCollection } from '../../../plugin/src/vectors/contract';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { createSeededRandom } from '../../../sample/seeded-random';
import { randomUnitVector } from '../../support/random-vectors';
import { pointOf } from '../../support/vector-points';

const { signal } = new AbortController();
const noDuplicates = () => Promise.resolve(new Map<number, ReadonlySet<number>>());

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

/** Texts reach 0 to 1 in steps of a hundredth, and images likewise. */
const calibration: Calibration = {
  version: 1,
  files: 100,
  texts: Array.from({ length: 101 }, (_, index) => index / 100),
  images: Array.from({ length: 101 }, (_, index) => index / 100),
  neutral: vector(0, 0.2),
  nonsense: vector(0, 1),
  center: vector(1, 0),
  pairs: [0.1, 0.2, 0.3],
};

describe('null texts', () => {
  it('are distinct, and the same each time', () => {
    const { abstract, nonsense } = listNullTexts();
    const all = [...abstract, ...nonsense];
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(180);
    expect(all.every((text) => text.trim() === text && text.length <= 40)).toBe(true);
    expect(listNullTexts()).toEqual({ abstract, nonsense });
  });

  it('are embedded in few requests, and only those that are missing', async () => {
    const provider = new HashProvider({ limits: { textsPerCall: 1_000 } });
    const known = new Map<string, Float32Array | null>();
    const texts = await embedNullTexts(provider, { known, signal });
    const { abstract, nonsense } = listNullTexts();
    expect(texts.version).toBe(NULL_TEXTS_VERSION);
    expect(texts.nonsense).toHaveLength(nonsense.length);
    expect(texts.abstract).toHaveLength(abstract.length);
    expect(provider.textCalls.length).toBeLessThanOrEqual(4);
    known.delete(nonsense[0] ?? '');
    provider.textCalls.length = 0;
    expect(await embedNullTexts(provider, { known, signal })).toEqual(texts);
    expect(provider.textCalls).toEqual([[nonsense[0]]]);
  });

  it('leave out texts of which the model knows no word', async () => {
    const provider = new HashProvider({ limits: { textsPerCall: 50 } });
    const { abstract, nonsense } = listNullTexts();
    provider.onCall = (inputs) => {
      const isUnknown = inputs.some((input) => 'text' in input && nonsense.includes(input.text));
      if (isUnknown) throw failure('text-unknown');
    };
    const texts = await embedNullTexts(provider, { known: new Map(), signal });
    expect(texts.nonsense).toEqual([]);
    expect(texts.abstract).toHaveLength(abstract.length);
  });

  it('keep what was embedded before a request failed', async () => {
    const provider = new HashProvider({ limits: { textsPerCall: 50 } });
    const known = new Map<string, Float32Array | null>();
    let calls = 0;
    provider.onCall = () => {
      calls += 1;
      if (calls > 1) throw failure('provider-unavailable');
    };
    await expect(embedNullTexts(provider, { known, signal })).rejects.toMatchObject({
      code: 'provider-unavailable',
    });
    expect(known.size).toBe(50);
  });
});

describe('calibration', () => {
  let collection: VectorCollection;
  const provider = new HashProvider();

  beforeEach(async () => {
    collection = await new MemoryVectorStore().ensureSpace(provider.space);
  });

  const measure = async (options: Partial<Parameters<typeof calibrate>[2]> = {}) =>
    calibrate(collection, await embedNullTexts(provider, { known: new Map(), signal }), {
      duplicatesOf: noDuplicates,
      signal,
      ...options,
    });

  async function fill(count: number): Promise<Float32Array[]> {
    const random = createSeededRandom('library');
    const { dimensions } = provider.space;
    const vectors = Array.from({ length: count }, () => randomUnitVector(random, dimensions));
    await collection.upsert(
      vectors.map((each, index) => pointOf(index + 1, each, `hash ${String(index)}`)),
    );
    return vectors;
  }

  it('is null without images', async () => {
    expect(await measure()).toBeNull();
  });

  it('has the best that each text and each image reach, ascending', async () => {
    const vectors = await fill(30);
    const measured = await measure();
    if (measured === null) throw new Error('Nothing was measured.');
    expect(measured.files).toBe(30);
    const { abstract, nonsense } = listNullTexts();
    expect(measured.texts).toHaveLength(abstract.length + nonsense.length);
    expect(measured.texts).toEqual(measured.texts.toSorted((one, other) => one - other));
    const [text] = await provider.embedTexts([nonsense[0] ?? '']);
    // Of thirty images, twenty are compared.
    const signals = vectors.map((image) => textSignal({ image, text: text ?? image }, measured));
    expect(Math.max(...measured.texts)).toBeGreaterThanOrEqual(signals.toSorted()[15] ?? 1);
    expect(measured.images).toHaveLength(30);
  });

  it('ignores duplicates, known ones and those with the same bytes', async () => {
    const [first = vector()] = await fill(12);
    const best = Math.max(...((await measure())?.images ?? []));
    expect(best).toBeLessThan(0.99);
    await collection.upsert([pointOf(13, first, 'hash 0'), pointOf(14, first, 'another')]);
    const pair = new Map([
      [1, new Set([14])],
      [13, new Set([14])],
      [14, new Set([1, 13])],
    ]);
    const duplicatesOf = () => Promise.resolve(pair);
    expect(Math.max(...((await measure({ duplicatesOf }))?.images ?? []))).toBeCloseTo(best, 5);
    expect(Math.max(...((await measure())?.images ?? []))).toBeCloseTo(1, 5);
  });

  it('says nothing about images in a library of a few', async () => {
    await fill(9);
    expect(await measure()).toMatchObject({ files: 9, images: [] });
  });

  it('stops when it is aborted', async () => {
    await fill(12);
    const aborted = AbortSignal.abort(new Error('over'));
    await expect(measure({ signal: aborted })).rejects.toThrow('over');
  });
});

describe('the scale', () => {
  const image = { vector: vector(0.9, Math.sqrt(0.19)), kind: 'image' as const };

  it('rises from 0 to 1 with similarity', () => {
    const scale = scaleOf([image], [{ score: 1, vector: image.vector }], calibration) ?? [];
    const values = [-1, 0, 0.02, 0.05, 0.2, 0.5, 0.7, 1, 2].map((score) =>
      relevanceOf(scale, score),
    );
    expect(values).toEqual(values.toSorted((one, other) => one - other));
    expect(values[0]).toBe(0);
    expect(values.at(-1)).toBe(1);
    // Five of a hundred images have no nearer one, and half have none that is so near.
    expect(scoreFrom(scale, LIKELY)).toBeCloseTo(0.05, 5);
    expect(scoreFrom(scale, STRONG)).toBeCloseTo(0.5, 5);
  });

  it.each([0.1, 0.3, LIKELY, 0.65, STRONG, 0.9])('turns %f into a similarity and back', (value) => {
    const scale = scaleOf([image], [{ score: 1, vector: image.vector }], calibration) ?? [];
    expect(relevanceOf(scale, scoreFrom(scale, value))).toBeCloseTo(value, 5);
  });

  it('has no similarity that is low or high enough for its ends', () => {
    const scale = scaleOf([image], [{ score: 1, vector: image.vector }], calibration) ?? [];
    expect(scoreFrom(scale, 0)).toBe(-1);
    expect(scoreFrom(scale, 1.1)).toBe(Infinity);
  });

  it('can begin elsewhere', () => {
    const scale = scaleOf([image], [{ score: 1, vector: image.vector }], calibration) ?? [];
    expect(scoreFrom(withLikelyFrom(scale, 0.4), LIKELY)).toBeCloseTo(0.4, 5);
  });

  it('of a text leaves out what its images and it have in common with anything', () => {
    const text = { vector: vector(1, 0), kind: 'text' as const };
    const plain = scaleOf([text], [{ score: 0.9, vector: vector(0.9, 0) }], calibration) ?? [];
    const busy = scaleOf([text], [{ score: 0.9, vector: vector(0.9, 0.4) }], calibration) ?? [];
    expect(relevanceOf(busy, 0.9)).toBeLessThan(relevanceOf(plain, 0.9));
    const odd = { vector: vector(0.8, 0.6), kind: 'text' as const };
    expect(textSignal({ image: vector(1, 0), text: odd.vector }, calibration)).toBeLessThan(
      textSignal({ image: vector(1, 0), text: vector(0.8, 0) }, calibration),
    );
  });

  it('of several examples follows the one that is answered best', () => {
    const near = { vector: vector(1, 0), kind: 'image' as const };
    const far = { vector: vector(0, 1), kind: 'image' as const };
    const nearest = [{ score: 0.7, vector: vector(1, 0) }];
    const both = scaleOf([far, near], nearest, calibration) ?? [];
    expect(relevanceOf(both, 0.7)).toBe(1);
    const alone = scaleOf([far], [{ score: 0, vector: vector(1, 0) }], calibration) ?? [];
    expect(relevanceOf(alone, 0)).toBe(0);
  });

  it('is unknown for images in a library of a few, and without images', () => {
    const few = { ...calibration, images: [] };
    expect(scaleOf([image], [{ score: 1, vector: image.vector }], few)).toBeNull();
    expect(scaleOf([image], [], calibration)).toBeNull();
  });
});

describe('a vector of unknown origin', () => {
  it('is taken for what it resembles', () => {
    expect(kindOfVector(vector(0.1, 0.9), calibration)).toBe('text');
    expect(kindOfVector(vector(0.9, 0.1), calibration)).toBe('image');
  });
});

describe('words', () => {
  const hit = { fileId: 1, fields: ['caption' as const], nameMatch: null, score: 1 };

  it.each([
    ['all of them', { ...hit }, false, 'strong'],
    ['most of them', { ...hit, score: 0.7 }, false, 'likely'],
    ['a few of them', { ...hit, score: 0.3 }, false, 'weak'],
    ['an exact name', { ...hit, score: 0.3, nameMatch: 'exact' as const }, false, 'strong'],
    ['a close name', { ...hit, score: 0.3, nameMatch: 'close' as const }, false, 'strong'],
    ['a phrase', { ...hit, score: 0.3 }, true, 'strong'],
  ])('make %s as relevant as they deserve', (_name, given, hasPhrases, band) => {
    const relevance = wordRelevance(given, hasPhrases);
    expect(relevance).toBeGreaterThanOrEqual(0);
    expect(relevance).toBeLessThanOrEqual(1);
    expect(relevance >= STRONG ? 'strong' : relevance >= LIKELY ? 'likely' : 'weak').toBe(band);
  });
});
