import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { SMALL_SET } from '../../plugin/src/search/page';
import { createDirection, insertFiles, rank, type PlainFile } from '../support/large-library';
import { toUnitLength } from '../support/random-vectors';
import { productOf, publicSearchActions } from '../support/search-app';
import { adminApi, contentApi, idsOf, scoresOf, type SearchFace } from '../support/search-face';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const FILES = 2_500;
/** These few look alike: a question that finds one of them finds all of them first. */
const ALIKE = 300;
const SEARCH = { action: 'plugin::image-search.search' };
const READ_OWN = { action: 'plugin::upload.read', conditions: ['admin::is-creator'] };
const PASSWORD = 'Restricted-Admin-1';

let app: StrapiApp;
let publicFace: SearchFace;
let adminFace: SearchFace;
/** Who uploaded one file in 500. */
let occasionalFace: SearchFace;
/** Who uploaded all files but the ones that are alike. */
let busyFace: SearchFace;
let files: PlainFile[];
let spaceId: string;
/** What the files look like that are alike. */
let theme: Float32Array;

async function createEditor(name: string): Promise<{ id: number; face: SearchFace }> {
  const account = { email: `${name}@example.com`, password: PASSWORD };
  const { id } = await app.createRestrictedAdmin({ ...account, permissions: [SEARCH, READ_OWN] });
  return { id, face: await adminApi(app, account) };
}

beforeAll(async () => {
  app = await startStrapi({
    imageSearch: { indexing: { enabled: false }, search: { requestsPerMinute: 0 } },
  });
  await app.grantPublic(publicSearchActions);
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
  const occasional = await createEditor('occasional');
  const busy = await createEditor('busy');
  occasionalFace = occasional.face;
  busyFace = busy.face;

  const { collection } = await productOf(app).spaces.get();
  const { dimensions, id } = collection.space;
  spaceId = id;
  theme = createDirection('theme', dimensions);
  files = Array.from({ length: FILES }, (_value, index): PlainFile => {
    const isAlike = index % (FILES / ALIKE) < 1;
    // Every 100th shows the same as the one before it.
    const seed = `file ${String(index % 100 === 99 ? index - 1 : index)}`;
    const own = createDirection(seed, dimensions);
    return {
      id: index + 1,
      name: index % 60 === 0 ? `rare-${String(index)}` : `file-${String(index)}`,
      mime: isAlike ? 'image/jpeg' : 'image/png',
      createdBy: index % 500 === 7 ? occasional.id : isAlike ? null : busy.id,
      vector: isAlike
        ? toUnitLength([...own].map((value, place) => value + 2 * (theme[place] ?? 0)))
        : own,
    };
  });
  await insertFiles(app, collection, files);
});

afterAll(async () => {
  await app.stop();
});

type Question = Record<string, unknown>;

async function allPages(face: SearchFace, question: Question): Promise<SearchResponse[]> {
  const pages: SearchResponse[] = [];
  for (let start = 0; ; start += 100) {
    const page = await face.search({ ...question, pagination: { start, limit: 100 } });
    pages.push(page);
    if (!page.meta.pagination.hasMore) return pages;
    expect(page.data).toHaveLength(100);
  }
}

/** All pages together are what an exhaustive comparison finds, in its order but for the last digits of a score. */
async function expectComplete(options: {
  face: SearchFace;
  query: Float32Array;
  question?: Question;
  expected: (file: PlainFile) => boolean;
}): Promise<SearchResponse[]> {
  const { face, query, question = {} } = options;
  const expected = rank(files.filter(options.expected), query);
  expect(expected.length).toBeGreaterThan(0);
  const pages = await allPages(face, { vector: [...query], space: spaceId, ...question });
  const ids = pages.flatMap(idsOf);
  const scores = pages.flatMap(scoresOf);
  expect(ids).toHaveLength(expected.length);
  expect(new Set(ids)).toEqual(new Set(expected.map(({ id }) => id)));
  const scoreOf = new Map(expected.map(({ id, score }) => [id, score]));
  const isExact = ids.every(
    (id, place) =>
      Math.abs((scores[place] ?? NaN) - (scoreOf.get(id) ?? NaN)) < 1e-5 &&
      Math.abs((scores[place] ?? NaN) - (expected[place]?.score ?? NaN)) < 1e-5,
  );
  expect(isExact).toBe(true);
  expect(pages.length).toBe(Math.ceil(expected.length / 100));
  return pages;
}

const isPng = ({ mime }: PlainFile): boolean => mime === 'image/png';

describe('a library of 2,500 files', () => {
  it('is as large as these tests require', () => {
    expect(files.filter(isPng).length).toBeGreaterThan(SMALL_SET);
    expect(files.filter((file) => !isPng(file))).toHaveLength(ALIKE);
  });

  it('is found completely, best first, by everyone and by the super administrator', async () => {
    for (const face of [publicFace, adminFace]) {
      await expectComplete({ face, query: theme, expected: () => true });
    }
  });

  it('returns equal images in the order of their ids', async () => {
    const original = files[298];
    const copy = files[299];
    if (!original || !copy) throw new Error('The library is too small.');
    expect(original.vector).toEqual(copy.vector);
    const page = await publicFace.search({ vector: [...copy.vector], space: spaceId });
    expect(idsOf(page).slice(0, 2)).toEqual([original.id, copy.id]);
    expect(idsOf(await publicFace.similar(original.id))[0]).toBe(copy.id);
  });
});

describe('a filter that keeps much', () => {
  const question = { filters: { mime: 'image/png' } };

  it('returns all files it keeps, although the best matches are others', async () => {
    for (const face of [publicFace, adminFace]) {
      await expectComplete({ face, query: theme, question, expected: isPng });
    }
  });

  it('returns the same page twice', async () => {
    const body = {
      vector: [...theme],
      space: spaceId,
      ...question,
      pagination: { start: 990, limit: 20 },
    };
    expect(await publicFace.search(body)).toEqual(await publicFace.search(body));
  });

  it('ends at the minimum score', async () => {
    const minScore = 0.08;
    const pngs = rank(files.filter(isPng), theme);
    const good = new Set(pngs.filter(({ score }) => score >= minScore).map(({ id }) => id));
    expect(good.size).toBeGreaterThan(100);
    await expectComplete({
      face: publicFace,
      query: theme,
      question: { ...question, minScore },
      expected: ({ id }) => good.has(id),
    });
  });

  it.each([SMALL_SET - 1, SMALL_SET, SMALL_SET + 1])(
    'gives the same whichever way it is applied (%d files)',
    async (count) => {
      await expectComplete({
        face: publicFace,
        query: theme,
        question: { filters: { id: { $lte: count } } },
        expected: ({ id }) => id <= count,
      });
    },
  );
});

describe('a filter that keeps little', () => {
  it('returns all files it keeps', async () => {
    await expectComplete({
      face: publicFace,
      query: createDirection('question', theme.length),
      question: { filters: { name: { $startsWith: 'rare-' } } },
      expected: ({ name }) => name.startsWith('rare-'),
    });
  });

  it('can name each file', async () => {
    const ids = files.filter(({ id }) => id % 25 === 0).map(({ id }) => id);
    expect(ids).toHaveLength(100);
    await expectComplete({
      face: publicFace,
      query: theme,
      question: { filters: { id: { $in: ids } } },
      expected: ({ id }) => ids.includes(id),
    });
  });
});

describe('an editor who may see only their own files', () => {
  it('finds one file in 500', async () => {
    const pages = await expectComplete({
      face: occasionalFace,
      query: theme,
      expected: ({ id }) => id % 500 === 8,
    });
    expect(pages.flatMap(idsOf)).toHaveLength(5);
    const [first = 0] = pages.flatMap(idsOf);
    expect((await occasionalFace.similar(first)).data).toHaveLength(4);
  });

  it('finds most files, but not those that match best', async () => {
    const { createdBy } = files.find(isPng) ?? {};
    const isOwn = (file: PlainFile): boolean => file.createdBy === createdBy;
    expect(files.filter(isOwn).length).toBeGreaterThan(SMALL_SET);
    await expectComplete({ face: busyFace, query: theme, expected: isOwn });
    await expectComplete({
      face: busyFace,
      query: theme,
      question: { filters: { id: { $lte: 2_400 } } },
      expected: (file) => isOwn(file) && file.id <= 2_400,
    });
  });
});
