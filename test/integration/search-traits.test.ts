import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SMALL_SET } from '../../plugin/src/search/page';
import { describeWithServer } from '../support/describe-with-server';
import { createDirection, insertFiles, rank, type PlainFile } from '../support/large-library';
import { mariadb } from '../support/mariadb-server';
import { postgres } from '../support/postgres-server';
import type { FacetName } from '../../plugin/src/search/contract';
import { countFiles } from '../../server/src/files/facets';
import { groupBy } from '../../server/src/usage/database-tables';
import { FILE_UID, FOLDER_UID, IMAGE_TRACE_UID } from '../../server/src/plugin-id';
import { productOf, publicSearchActions } from '../support/search-app';
import {
  adminApi,
  contentApi,
  expectFailure,
  idsOf,
  readPage,
  type SearchFace,
} from '../support/search-face';
import { startStrapi, type StartOptions, type StrapiApp } from '../support/strapi-app';
import { appFolder } from '../support/strapi-environment';

/** So many that a search for one side of a question is not a small set. */
const FILES = 3 * SMALL_SET;
const LARGEST_INTEGER = 2 ** 31 - 1;

/** Width and height of the first files, and what they are; the others are landscape and portrait by turns. */
const sizes: [number | null, number | null, string | null][] = [
  [1_000, 1_000, 'square'],
  [1_050, 1_000, 'square'],
  [1_051, 1_000, 'landscape'],
  [1_000, 1_050, 'square'],
  [1_000, 1_051, 'portrait'],
  [21, 20, 'square'],
  [22, 20, 'landscape'],
  [1, 1, 'square'],
  [LARGEST_INTEGER, LARGEST_INTEGER, 'square'],
  [LARGEST_INTEGER, 1, 'landscape'],
  [1, LARGEST_INTEGER, 'portrait'],
  [null, null, null],
  [100, null, null],
  [null, 100, null],
  // Sides as displayed differ: EXIF orientation, an AVIF, and a drawing, whose raster is the model's choice.
  [300, 200, 'portrait'],
  [null, null, 'landscape'],
  [200, 300, 'portrait'],
];
/** Sides that the index knows, by the file's position. */
const displayed: Record<number, [number, number]> = {
  14: [200, 300],
  15: [480, 320],
  16: [448, 224],
};
const DRAWING = 16;
const orientations = ['landscape', 'portrait', 'square'] as const;

/** Of files by id; the others are uploaded now. */
const uploadTimes = {
  301: '2023-12-31T23:30:00Z',
  302: '2024-01-01T00:00:00Z',
  303: '2024-12-31T23:59:59Z',
  304: '2025-01-01T00:30:00Z',
  // More than half a century before the next.
  305: '1931-05-05T00:00:00Z',
};

interface TestFile extends PlainFile {
  orientation: string | null;
  alternativeText: string | null;
}

function createFiles(dimensions: number): TestFile[] {
  return Array.from({ length: FILES }, (_value, index): TestFile => {
    const isWide = index % 2 === 0;
    const [width, height, orientation] = sizes[index] ?? [
      isWide ? 300 : 200,
      isWide ? 200 : 300,
      isWide ? 'landscape' : 'portrait',
    ];
    const alternativeText = [null, '', 'A boat', '0'][index % 4] ?? null;
    return {
      id: index + 1,
      name: `file-${String(index)}`,
      mime: index === DRAWING ? 'image/svg+xml' : 'image/png',
      createdBy: null,
      vector: createDirection(`file ${String(index)}`, dimensions),
      columns: { width, height, alternative_text: alternativeText },
      orientation,
      alternativeText,
    };
  });
}

/** As of images that were read. */
async function insertSides({ strapi }: StrapiApp): Promise<void> {
  const { tableName } = strapi.db.metadata.get(IMAGE_TRACE_UID);
  const rows = Object.entries(displayed).map(([index, [width, height]]) => ({
    file_id: Number(index) + 1,
    content_hash: index,
    width,
    height,
  }));
  await strapi.db.connection(tableName).insert(rows);
}

/** Uses files in every kind of relation there is; returns their ids. */
async function useFiles({ strapi }: StrapiApp): Promise<number[]> {
  const create = (uid: string, data: object): Promise<unknown> =>
    strapi.documents(uid as never).create({ data } as never);
  await create('api::article.article', {
    title: 'One',
    cover: 101,
    gallery: [102, 103],
    seo: { description: 'About', image: 104 },
    sections: [{ __component: 'shared.slider', name: 'Slider', slides: [{ image: 105 }] }],
  });
  await create('api::article.article', { title: 'Two', cover: 101, body: '![](/hash_107)' });
  await create('api::home-page.home-page', { hero: 103, downloads: [106] });
  return [101, 102, 103, 104, 105, 106];
}

function describeTraits(options: () => Promise<StartOptions>): void {
  let app: StrapiApp;
  let files: TestFile[];
  let used: number[];
  let query: Float32Array;
  let spaceId: string;
  /** By path. */
  const folderIds = new Map<string, number>();
  let publicFace: SearchFace;
  let adminFace: SearchFace;
  const faces: [string, () => SearchFace][] = [
    ['content API', () => publicFace],
    ['admin API', () => adminFace],
  ];

  beforeAll(async () => {
    app = await startStrapi({
      folder: path.join(appFolder, 'editorial'),
      imageSearch: { indexing: { enabled: false }, search: { requestsPerMinute: 0 } },
      ...(await options()),
    });
    await app.grantPublic([...publicSearchActions, 'plugin::image-search.usage.findOne']);
    publicFace = contentApi(app);
    adminFace = await adminApi(app);
    const { collection } = await productOf(app).spaces.get();
    spaceId = collection.space.id;
    query = createDirection('question', collection.space.dimensions);
    files = createFiles(collection.space.dimensions);
    await insertFiles(app, collection, files);
    await insertSides(app);
    used = await useFiles(app);
    for (const [id, path] of [
      [201, '/7'],
      [202, '/7/8'],
      [203, '/78'],
    ] as const) {
      await app.strapi.db.connection('files').where({ id }).update({ folder_path: path });
    }
    for (const [pathId, path] of [
      [7, '/7'],
      [8, '/7/8'],
      [78, '/78'],
    ] as const) {
      const data = { name: `Folder ${path}`, path, pathId };
      const folder: unknown = await app.strapi.db.query(FOLDER_UID).create({ data });
      folderIds.set(path, (folder as { id: number }).id);
    }
    for (const [id, createdAt] of Object.entries(uploadTimes)) {
      const files = app.strapi.db.query(FILE_UID);
      await files.update({ where: { id: Number(id) }, data: { createdAt: new Date(createdAt) } });
    }
  });
  afterAll(() => app.stop());

  /** The best hundred of those that are expected are found, in their order, and whether there are more. */
  async function expectFound(
    face: SearchFace,
    traits: object,
    expected: (file: TestFile) => boolean,
  ): Promise<void> {
    const ranked = rank(files.filter(expected), query).map(({ id }) => id);
    expect(ranked.length).toBeGreaterThan(0);
    const question = { vector: [...query], space: spaceId, pagination: { limit: 100 } };
    const page = await face.search({ ...question, ...traits });
    expect(idsOf(page)).toEqual(ranked.slice(0, 100));
    expect(page.meta.pagination.hasMore).toBe(ranked.length > 100);
  }

  it("don't include folders, which administrators filter by", async () => {
    const filters = { $or: [{ folderPath: '/7' }, { folderPath: { $startsWith: '/7/' } }] };
    await expectFound(adminFace, { filters }, ({ id }) => id === 201 || id === 202);
    expectFailure(await publicFace.post('search', { text: 'dog', filters }), {
      status: 400,
      code: 'invalid-input',
      message: /folderPath/,
    });
  });

  describe('facets', () => {
    const counted = Object.keys({ ...uploadTimes, 201: 0, 202: 0, 203: 0, [DRAWING + 1]: 0 }).map(
      Number,
    );
    const filters = { id: { $in: counted } };
    const thisYear = new Date().getUTCFullYear();
    const expected = {
      type: [
        { value: 'image/png', count: 8 },
        { value: 'image/svg+xml', count: 1 },
      ],
      year: [
        { value: thisYear, count: 4 },
        { value: 2024, count: 2 },
        { value: 1931, count: 1 },
        { value: 2023, count: 1 },
        { value: 2025, count: 1 },
      ],
      counted: counted.length,
      isLowerBound: false,
    };

    it('count what passes the filters, and the year in UTC', async () => {
      const { data, meta } = await publicFace.search({
        filters,
        facets: ['type', 'year'],
        pagination: { limit: 1 },
      });
      expect(data).toHaveLength(1);
      expect(meta.facets).toEqual(expected);
      const { meta: all } = await publicFace.search({ facets: ['year'] });
      expect(all.facets?.counted).toBe(FILES);
    });

    it('count what a query finds, on whichever page', async () => {
      const question = { vector: [...query], space: spaceId, filters, facets: 'type,year' };
      const first = await publicFace.search({ ...question, pagination: { limit: 2 } });
      const second = await publicFace.search({ ...question, pagination: { limit: 2, start: 2 } });
      expect(first.meta.facets).toEqual(expected);
      expect(second.meta.facets).toEqual(expected);
      const { meta } = await publicFace.search({ ...question, filters: {} });
      expect(meta.facets).toMatchObject({ counted: 100, isLowerBound: true });
    });

    it('count folders for administrators', async () => {
      const { meta } = await adminFace.search({ filters, facets: ['folder'] });
      const others = [...folderIds.values()].map((value) => ({ value, count: 1 }));
      expect(meta.facets?.folder).toHaveLength(4);
      expect(meta.facets?.folder).toEqual(
        expect.arrayContaining([{ value: null, count: 6 }, ...others]),
      );
      expectFailure(await publicFace.post('search', { text: 'dog', facets: ['folder'] }), {
        status: 400,
        code: 'invalid-input',
        message: /^facets: "folder" counts by folderPath/,
      });
    });

    it('count files once that a filter by relations finds several times', async () => {
      const folder = folderIds.get('/78');
      const ids = [310, 311, 312];
      for (const id of ids) {
        await app.strapi.db.query(FILE_UID).update({ where: { id }, data: { folder } });
      }
      const where = { folder: { files: { id: { $in: ids } } } };
      const all: FacetName[] = ['type', 'year', 'folder', 'color'];
      // As in a service that a transaction calls: SQLite has one connection.
      const count = (limit: number) =>
        app.strapi.db.transaction(() =>
          countFiles(app.strapi, { facets: all, limit, query: { where } }),
        );
      expect(await count(3)).toEqual({
        type: [{ value: 'image/png', count: 3 }],
        year: [{ value: thisYear, count: 3 }],
        folder: [{ value: null, count: 3 }],
        color: [],
        counted: 3,
        isLowerBound: false,
      });
      expect(await count(2)).toMatchObject({
        type: [{ value: 'image/png', count: 2 }],
        counted: 2,
        isLowerBound: true,
      });
    });
  });

  it('groups what a query finds by folder, for administrators', async () => {
    const filters = { id: { $lte: 203 } };
    const grouping = { groupBy: 'folder', groupSize: 2 };
    const question = { vector: [...query], space: spaceId, filters, ...grouping };
    const nearest = rank(files.slice(0, 203), query)
      .slice(0, 100)
      .map(({ id }) => id);
    const inFolders = new Map(
      [201, 202, 203].map((id, index) => [id, [...folderIds.values()][index]]),
    );
    const expected = groupBy(nearest, (id) => inFolders.get(id) ?? null);
    const groups: unknown[] = [];
    for (let start = 0, hasMore = true; hasMore; start += 1) {
      const page = await adminFace.search({ ...question, pagination: { start, limit: 1 } });
      groups.push(
        ...page.data.map(({ file, group }) => [
          group?.value,
          group?.count,
          [file.id, ...(group?.others ?? []).map((hit) => hit.file.id)],
        ]),
      );
      hasMore = page.meta.pagination.hasMore;
    }
    expect(groups).toEqual(
      [...expected].map(([value, ids]) => [value, ids.length, ids.slice(0, 2)]),
    );
    expectFailure(await publicFace.post('search', question), {
      status: 400,
      code: 'invalid-input',
      message: /^groupBy: "folder" groups by folderPath/,
    });
  });

  const isUsed = ({ id }: TestFile): boolean => used.includes(id);

  describe.each(faces)('over the %s', (_name, face) => {
    it.each(orientations)('finds files that are %s', async (orientation) => {
      await expectFound(face(), { orientation }, (file) => file.orientation === orientation);
      const odd = sizes.map((_size, index) => index + 1);
      const filters = { id: { $in: odd } };
      const isOdd = (file: TestFile): boolean =>
        file.orientation === orientation && odd.includes(file.id);
      await expectFound(face(), { orientation, filters }, isOdd);
    });

    it.each<[filters: object, isWide: (width: number, height: number) => boolean]>([
      [{ width: { $gte: 400 } }, (width) => width >= 400],
      [{ width: { $between: [250, 500] } }, (width) => width >= 250 && width <= 500],
      [
        { $and: [{ width: 480, height: { $in: ['320', 7] } }] },
        (width, height) => width === 480 && height === 320,
      ],
      [{ $not: { height: { $lt: 250 } } }, (_, height) => height >= 250],
      [{ $or: [{ height: { $null: true } }, { width: { $gt: 470 } }] }, (width) => width > 470],
      [{ width: { $not: { $lt: 400 } } }, (width) => width >= 400],
      [{ width: { $ne: null, $notIn: [480] } }, (width) => width !== 480],
    ])('finds files by their sides as displayed (%j)', async (filters, isWanted) => {
      const known = Object.keys(displayed).map((index) => Number(index) + 1);
      const only = { $and: [filters, { id: { $in: known } }] };
      const expected = known.filter((id) => {
        const sides = id - 1 === DRAWING ? sizes[DRAWING] : displayed[id - 1];
        return isWanted(Number(sides?.[0]), Number(sides?.[1]));
      });
      const question = { vector: [...query], space: spaceId };
      const page = await face().search({ ...question, filters: only });
      expect([...idsOf(page)].sort((a, b) => a - b)).toEqual(expected);
    });

    it('finds files that no relation uses, and those that one uses', async () => {
      await expectFound(face(), { unused: true }, (file) => !isUsed(file));
      await expectFound(face(), { unused: false }, isUsed);
    });

    it('finds files without an alternative text, and those with one', async () => {
      const hasText = (file: TestFile): boolean => Boolean(file.alternativeText);
      await expectFound(face(), { hasAlternativeText: false }, (file) => !hasText(file));
      await expectFound(face(), { hasAlternativeText: true }, hasText);
    });

    it('combines them with each other and with filters', async () => {
      const traits = { orientation: 'landscape', unused: true, hasAlternativeText: true };
      const isWanted = (file: TestFile): boolean =>
        file.orientation === 'landscape' && !isUsed(file) && Boolean(file.alternativeText);
      await expectFound(face(), traits, isWanted);
      const filters = { $or: [{ id: { $lt: 110 } }, { name: 'file-200' }] };
      await expectFound(
        face(),
        { ...traits, filters },
        (file) => isWanted(file) && (file.id < 110 || file.name === 'file-200'),
      );
    });

    it('accepts them in a query string, in a form, and with a file', async () => {
      const expected = idsOf(await face().search({ fileId: 5, orientation: 'square' }));
      expect(expected).toHaveLength(sizes.filter(([, , kind]) => kind === 'square').length);
      const traits = { orientation: 'square', unused: 'true', hasAlternativeText: 'true' };
      const narrowed = await face().similar(5, traits);
      expect(narrowed.data.length).toBeGreaterThan(0);
      expect(narrowed.data.length).toBeLessThan(expected.length);
      const form = face().post('search').field('fileId', '5').field('orientation', 'square');
      const answered = await form.field('unused', 'true').field('hasAlternativeText', 'true');
      expect(idsOf(readPage(answered))).toEqual(idsOf(narrowed));
      const byText = await face().searchText('a boat', traits);
      expect(new Set(idsOf(byText))).toEqual(new Set(idsOf(narrowed)));
      // An example may be a file that they leave out.
      const used = await face().search({ like: [101], unused: true, filters: { id: 107 } });
      expect(idsOf(used)).toEqual([107]);
    });
  });
}

describe('traits of files', () => {
  describeTraits(() => Promise.resolve({}));
});

for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, `traits of files on ${kind.name}`, (server) => {
    describeTraits(async () => ({ database: await server().createDatabase() }));
  });
}

describe('wrong values', () => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({
      imageSearch: { indexing: { enabled: false }, search: { requestsPerMinute: 0 } },
    });
    await app.grantPublic([...publicSearchActions, 'plugin::image-search.usage.findOne']);
  });
  afterAll(() => app.stop());

  it.each([
    ['orientation', 'wide', /^orientation: must be one of landscape, portrait, square$/],
    ['orientation', '', /^orientation: /],
    ['unused', 'yes', /^unused: must be true or false$/],
    ['unused', '', /^unused: /],
    ['unused', '1', /^unused: /],
    ['hasAlternativeText', 'null', /^hasAlternativeText: must be true or false$/],
  ])('%s=%s is rejected by name', async (key, value, message) => {
    for (const face of [contentApi(app), await adminApi(app)]) {
      const expected = { status: 400, code: 'invalid-input', message } as const;
      const query = { [key]: value };
      expectFailure(await face.get('search', { text: 'dog', ...query }), expected);
      expectFailure(await face.get('similar/1', query), expected);
      expectFailure(await face.post('search', { text: 'dog', ...query }), expected);
      const list = { [key]: [value] };
      expectFailure(await face.post('search', { text: 'dog', ...list }), {
        ...expected,
        message: new RegExp(`^${key}: `),
      });
    }
  });
});
