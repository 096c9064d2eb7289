import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SearchExample } from '../../../plugin/src/search/contract';
import type { CalibrationSource } from '../../../plugin/src/search/relevance/contract';
import { calibrate, embedNullTexts } from '../../../plugin/src/search/relevance/measurement';
import {
  EngineRig,
  file,
  fileIds,
  image,
  similarityOf,
  subjects,
  text,
  vectorOf,
} from '../../support/engine-rig';
import { failure } from '../../support/failures';
import { HashProvider } from '../../support/hash-provider';
import { MemoryVisibleFiles } from '../../support/memory-visible-files';
import { plainImage } from '../../support/plain-images';

let rig: EngineRig;

beforeEach(async () => {
  rig = await EngineRig.create();
});

describe('nothing close', () => {
  /** Similarity of the best image to the text. */
  let best: number;
  const something = { like: [text('something')] };

  beforeEach(() => {
    best = Math.max(...subjects.map((subject) => similarityOf('something', subject)));
  });

  const answer = async (...given: Parameters<EngineRig['search']>): Promise<boolean | null> =>
    (await rig.search(...given)).noCloseMatch;

  it("depends on the model's own score", async () => {
    rig.provider.closeScore = best + 0.01;
    expect(await answer(something)).toBe(true);
    rig.provider.closeScore = best - 0.01;
    expect(await answer(something)).toBe(false);
  });

  it("depends on the configured score, whatever the model's own", async () => {
    rig.provider.closeScore = -1;
    rig.engine = rig.createEngine({ closeScore: best + 0.01 });
    expect(await answer(something)).toBe(true);
    rig.provider.closeScore = null;
    expect(await answer(something)).toBe(true);
    rig.provider.closeScore = 1;
    rig.engine = rig.createEngine({ closeScore: best - 0.01 });
    expect(await answer(something)).toBe(false);
  });

  it('is unknown without either', async () => {
    expect(await answer(something)).toBeNull();
  });

  it.each([0, 4, 5, 100])('is the same on the page from %i', async (start) => {
    rig.engine = rig.createEngine({ closeScore: best - 0.01 });
    expect(await answer({ ...something, start, limit: 1 })).toBe(false);
    rig.engine = rig.createEngine({ closeScore: best + 0.01 });
    expect(await answer({ ...something, start, limit: 1 })).toBe(true);
  });

  it('is true, and nothing found, for a text of which the model knows no word', async () => {
    rig.provider.onCall = () => Promise.reject(failure('text-unknown'));
    expect(await rig.search(something)).toEqual({
      hits: [],
      hasMore: false,
      noCloseMatch: true,
      mode: 'vector',
      isDegraded: false,
      spaceId: rig.provider.space.id,
    });
    const unknown = { code: 'text-unknown' };
    await expect(rig.search({ like: [text('something'), text('dog')] })).rejects.toMatchObject(
      unknown,
    );
    await expect(rig.engine.embed(text('something') as never)).rejects.toMatchObject(unknown);
  });

  it('keeps the hits', async () => {
    rig.engine = rig.createEngine({ closeScore: 1 });
    const page = await rig.search(something);
    expect(page.noCloseMatch).toBe(true);
    expect(page.hits).toHaveLength(subjects.length);
  });

  it.each([0, 3])(
    'ignores a minimum score that leaves nothing, on the page from %i',
    async (start) => {
      const request = { ...something, start, minimumScore: 1 };
      rig.engine = rig.createEngine({ closeScore: best - 0.01 });
      expect(await rig.search(request)).toMatchObject({ hits: [], noCloseMatch: false });
      rig.engine = rig.createEngine({ closeScore: best + 0.01 });
      expect(await rig.search(request)).toMatchObject({ hits: [], noCloseMatch: true });
    },
  );

  it('only considers what the caller may see and the filters allow', async () => {
    const page = await rig.search(something);
    const worst = page.hits.at(-1);
    if (!worst) throw new Error('There was no hit.');
    rig.engine = rig.createEngine({ closeScore: best - 0.001 });
    expect(worst.score).toBeLessThan(best - 0.001);
    expect(await answer(something, new MemoryVisibleFiles([worst.fileId]))).toBe(true);
    expect(await answer(something, new MemoryVisibleFiles(fileIds, [worst.fileId]))).toBe(true);
  });

  it('is unknown without an image to compare with', async () => {
    rig.engine = rig.createEngine({ closeScore: 0 });
    expect(await answer(something, new MemoryVisibleFiles([]))).toBeNull();
    expect(await answer(something, new MemoryVisibleFiles(fileIds, []))).toBeNull();
    await (await rig.store.ensureSpace(rig.provider.space)).remove(fileIds);
    expect(await answer(something)).toBeNull();
    expect(await answer({ ...something, minimumScore: 0.5 })).toBeNull();
  });

  it.each([
    ['an image', { like: [image(plainImage('a cat'))] }],
    ['a file', { like: [file(1)] }],
    ['a vector', { like: [vectorExample()] }],
    ['words and a file', { like: [text('something'), file(1)] }],
    ['several texts', { like: [text('something'), text('else')] }],
    ['a text with a counterexample', { like: [text('something')], unlike: [text('else')] }],
  ])('is only known for a single text, not for %s', async (_name, request) => {
    rig.engine = rig.createEngine({ closeScore: 1 });
    expect(await answer(request)).toBeNull();
  });

  function vectorExample(): SearchExample {
    const { id } = new HashProvider().space;
    return { kind: 'vector', vector: vectorOf('a dog'), spaceId: id };
  }
});

describe('in a calibrated space', () => {
  const something = { like: [text('something')] };
  let calibrations: CalibrationSource;

  beforeEach(async () => {
    const collection = await rig.store.ensureSpace(rig.provider.space);
    const { signal } = new AbortController();
    const calibration = await calibrate(
      collection,
      await embedNullTexts(rig.provider, { known: new Map(), signal }),
      { duplicatesOf: () => Promise.resolve(new Map<number, Set<number>>()), signal },
    );
    calibrations = { calibrationOf: () => Promise.resolve(calibration) };
    rig.engine = rig.createEngine({ calibrations });
  });

  it('relevance falls with the score, and says whether anything is close', async () => {
    const { hits, noCloseMatch } = await rig.search(something);
    const values = hits.map(({ relevance }) => relevance?.value ?? NaN);
    expect(values).toEqual(values.toSorted((one, other) => other - one));
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(noCloseMatch).toBe(hits[0]?.relevance?.band === 'weak');
  });

  it('is the same on every page, and below any minimum score', async () => {
    const { noCloseMatch } = await rig.search(something);
    for (const part of [{ start: 4, limit: 1 }, { start: 100 }, { minimumScore: 1 }])
      expect((await rig.search({ ...something, ...part })).noCloseMatch).toBe(noCloseMatch);
  });

  it('follows the configured score', async () => {
    const { hits } = await rig.search(something);
    const scores = hits.map(({ score }) => score ?? NaN);
    const [, second = NaN, third = NaN] = scores;
    const closeScore = (second + third) / 2;
    rig.engine = rig.createEngine({ calibrations, closeScore });
    const page = await rig.search(something);
    expect(page.noCloseMatch).toBe(false);
    expect(page.hits.map(({ relevance }) => relevance?.band === 'weak')).toEqual(
      scores.map((score) => score < closeScore),
    );
    const likely = await rig.search({ ...something, minimumRelevance: 0.5 });
    expect(likely.hits).toHaveLength(2);
    expect(likely.hasMore).toBe(false);
  });

  it("goes without the model's own score", async () => {
    const { noCloseMatch } = await rig.search(something);
    for (const closeScore of [-1, 1]) {
      rig.provider.closeScore = closeScore;
      expect((await rig.search(something)).noCloseMatch).toBe(noCloseMatch);
    }
  });

  it('is unknown for images of so few files', async () => {
    const page = await rig.search({ like: [file(1)] });
    expect(page.noCloseMatch).toBeNull();
    expect(page.hits.every(({ relevance }) => relevance === null)).toBe(true);
    const all = await rig.search({ like: [file(1)], minimumRelevance: 0.8 });
    expect(all.hits).toHaveLength(subjects.length - 1);
  });
});
