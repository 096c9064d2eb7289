import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CHECKED_BEYOND_PAGE, LISTED_AT_A_TIME, SMALL_SET } from '../../plugin/src/search/page';
import type { VectorCollection } from '../../plugin/src/vectors/contract';
import { createDirection, insertFiles, rank, type PlainFile } from '../support/large-library';
import { productOf, publicSearchActions } from '../support/search-app';
import { adminApi, contentApi, idsOf, type SearchFace } from '../support/search-face';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const FILES = 100_000;
/** Of ten files one is a JPEG, and all of those look alike: whoever asks for that finds them first. */
const ALIKE = 10_000;
const DIRECTIONS = 1_000;
const SEARCH = { action: 'plugin::image-search.search' };
const READ_OWN = { action: 'plugin::upload.read', conditions: ['admin::is-creator'] };
const PASSWORD = 'Restricted-Admin-1';

let app: StrapiApp;
let collection: VectorCollection;
let files: PlainFile[];
let publicFace: SearchFace;
/** Who uploaded one file in 1,000. */
let occasionalFace: SearchFace;
/** Who uploaded every PNG. */
let busyFace: SearchFace;
/** What the JPEGs look like. */
let theme: Float32Array;

async function createEditor(name: string): Promise<{ id: number; face: SearchFace }> {
  const account = { email: `${name}@example.com`, password: PASSWORD };
  const { id } = await app.createRestrictedAdmin({ ...account, permissions: [SEARCH, READ_OWN] });
  return { id, face: await adminApi(app, account) };
}

/** Two of a thousand directions each, and the theme, mixed: quickly made, and no two alike. */
function createFiles(editors: { occasional: number; busy: number }): PlainFile[] {
  const { dimensions } = collection.space;
  const directions = Array.from({ length: DIRECTIONS }, (_, index) =>
    createDirection(`direction ${String(index)}`, dimensions),
  );
  return Array.from({ length: FILES }, (_, index): PlainFile => {
    const isAlike = index % (FILES / ALIKE) === 0;
    const first = directions[index % DIRECTIONS] ?? theme;
    const second = directions[(index * 7 + Math.floor(index / DIRECTIONS)) % DIRECTIONS] ?? theme;
    const share = 0.3 + 0.4 * ((index * 0.618) % 1);
    return {
      id: index + 1,
      name: `${index % 2_000 === 1 ? 'rare' : index % 20 === 3 ? 'common' : 'file'}-${String(index)}`,
      mime: isAlike ? 'image/jpeg' : 'image/png',
      createdBy: index % 1_000 === 7 ? editors.occasional : isAlike ? null : editors.busy,
      vector: mix([first, second, theme], [share, 1 - share, isAlike ? 1 : -0.5]),
    };
  });
}

/** Of unit length. */
function mix(parts: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sum = new Float32Array(theme.length);
  let squares = 0;
  for (let place = 0; place < sum.length; place += 1) {
    let value = 0;
    for (let part = 0; part < parts.length; part += 1) {
      value += (weights[part] ?? 0) * (parts[part]?.[place] ?? 0);
    }
    sum[place] = value;
    squares += value * value;
  }
  const scale = 1 / Math.sqrt(squares);
  for (let place = 0; place < sum.length; place += 1) sum[place] = (sum[place] ?? 0) * scale;
  return sum;
}

beforeAll(async () => {
  app = await startStrapi({
    imageSearch: { indexing: { enabled: false }, search: { requestsPerMinute: 0 } },
  });
  await app.grantPublic(publicSearchActions);
  publicFace = contentApi(app);
  const occasional = await createEditor('occasional');
  const busy = await createEditor('busy');
  occasionalFace = occasional.face;
  busyFace = busy.face;
  ({ collection } = await productOf(app).spaces.get());
  theme = createDirection('theme', collection.space.dimensions);
  files = createFiles({ occasional: occasional.id, busy: busy.id });
  await insertFiles(app, collection, files);
});

afterAll(async () => {
  await app.stop();
});

/** What one search asked of the store and the database. */
interface Work {
  searches: number;
  /** Hits that the store answered. */
  hits: number;
  /** Statements that read the files' table. */
  statements: number;
}

async function observe<Result>(search: () => Promise<Result>): Promise<[Result, Work]> {
  const work: Work = { searches: 0, hits: 0, statements: 0 };
  const ask = collection.search.bind(collection);
  const spy = jest.spyOn(collection, 'search').mockImplementation(async (query) => {
    work.searches += 1;
    const hits = await ask(query);
    work.hits += hits.length;
    return hits;
  });
  const note = ({ sql }: { sql: string }): void => {
    if (/from [`"]files[`"]/.test(sql)) work.statements += 1;
  };
  app.strapi.db.connection.on('query', note);
  try {
    return [await search(), work];
  } finally {
    app.strapi.db.connection.off('query', note);
    spy.mockRestore();
  }
}

interface Case {
  name: string;
  face: () => SearchFace;
  filters?: object;
  isVisible: (file: PlainFile) => boolean;
  visible: number;
  /** What the whole search may cost at most, for the first page. */
  most: { searches: number; statements: number };
}

const isPng = ({ mime }: PlainFile): boolean => mime === 'image/png';

/** Of both depths, at most 500 hits each. */
const CHECKS = Math.ceil((CHECKED_BEYOND_PAGE + 26) / 500) + 2;
const LISTS = Math.ceil((FILES - ALIKE) / LISTED_AT_A_TIME);
/** Whether the visible set is small, the rows that are answered, and now and then how many there are at all. */
const ALWAYS = 3;

const cases: Case[] = [
  {
    name: 'a filter that leaves 50 files',
    face: () => publicFace,
    filters: { name: { $startsWith: 'rare-' } },
    isVisible: ({ name }) => name.startsWith('rare-'),
    visible: 50,
    most: { searches: 1, statements: ALWAYS },
  },
  {
    name: 'a filter that leaves 5,000 files',
    face: () => publicFace,
    filters: { name: { $startsWith: 'common-' } },
    isVisible: ({ name }) => name.startsWith('common-'),
    visible: 5_000,
    most: { searches: 3, statements: ALWAYS + CHECKS + 1 },
  },
  {
    name: 'a filter that leaves 90,000 files',
    face: () => publicFace,
    filters: { mime: 'image/png' },
    isVisible: isPng,
    visible: 90_000,
    most: { searches: 2 + LISTS, statements: ALWAYS + CHECKS + LISTS + 1 },
  },
  {
    name: 'an editor who may see one file in 1,000',
    face: () => occasionalFace,
    isVisible: ({ id }) => id % 1_000 === 8,
    visible: 100,
    most: { searches: 1, statements: ALWAYS },
  },
  {
    name: 'an editor who may see most files',
    face: () => busyFace,
    isVisible: ({ id, mime }) => mime === 'image/png' && id % 1_000 !== 8,
    visible: 89_900,
    most: { searches: 2 + LISTS, statements: ALWAYS + CHECKS + LISTS + 1 },
  },
];

describe.each(cases)('among 100,000 files, $name', (options) => {
  const { face, filters, isVisible, visible, most } = options;
  let visibleFiles: PlainFile[];

  beforeAll(() => {
    visibleFiles = files.filter(isVisible);
  });

  const ask = (query: Float32Array, start: number) =>
    face().search({
      vector: [...query],
      space: collection.space.id,
      ...(filters && { filters }),
      pagination: { start, limit: 25 },
    });

  it('is about as many as it says', () => {
    expect(visibleFiles).toHaveLength(visible);
  });

  it.each([
    ['what all of them are far from', () => theme],
    ['what some of them are close to', () => createDirection('question', theme.length)],
  ])('gets the best of them, asked for %s', async (_name, query) => {
    const ranking = rank(visibleFiles, query()).map(({ id }) => id);
    for (const start of [0, 25, 990]) {
      const [page, work] = await observe(() => ask(query(), start));
      expect(idsOf(page)).toEqual(ranking.slice(start, start + 25));
      expect(page.meta.pagination.hasMore).toBe(ranking.length > start + 25);
      expect(work.searches).toBeLessThanOrEqual(most.searches);
      expect(work.statements).toBeLessThanOrEqual(most.statements + Math.ceil(start / 500));
      expect(work.hits).toBeLessThanOrEqual(
        Math.max(SMALL_SET, (most.searches + 4) * (start + 26) + CHECKED_BEYOND_PAGE),
      );
    }
  });

  it('gets the same page twice', async () => {
    expect(await ask(theme, 40)).toEqual(await ask(theme, 40));
  });
});
