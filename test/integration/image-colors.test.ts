import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PALETTE_VERSION } from '../../plugin/src/images/palette';
import { chromaSize, encodeThumbnail } from '../../plugin/src/images/trace';
import { IMAGE_COLOR_UID, IMAGE_TRACE_UID } from '../../server/src/plugin-id';
import { fillDerived } from '../../server/src/repositories/derived-traits';
import { colorsOf } from '../../server/src/repositories/image-colors';
import { createImageTraces } from '../../server/src/repositories/image-traces';
import { describeWithServer } from '../support/describe-with-server';
import { createDirection, insertFiles, rank, type PlainFile } from '../support/large-library';
import { mariadb } from '../support/mariadb-server';
import { postgres } from '../support/postgres-server';
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

/** What the files show by turns: a color, and another to the right of it that has this share. */
const kinds: { left: string; right: string; share: number; names: string[] }[] = [
  { left: '#d92626', right: '#2563d9', share: 0.5, names: ['red', 'blue'] },
  { left: '#2e9e4f', right: '#d92626', share: 0.125, names: ['green'] },
  { left: '#00aa77', right: '#00aa77', share: 0, names: ['green'] },
  { left: '#ffffff', right: '#2563d9', share: 0.25, names: ['blue'] },
  { left: '#8c8c8c', right: '#f7d417', share: 0.25, names: ['gray', 'yellow'] },
];
const FILES = 40;
const kindOf = (id: number) => kinds[id % kinds.length] ?? kinds[0];

function thumbnailOf({ left, right, share }: (typeof kinds)[number]): string {
  const size = { width: 48, height: 32 };
  const cells = chromaSize(size);
  const channelOf = (index: number, width: number, of: (color: number[]) => number): number => {
    const isRight = (index % width) / width >= 1 - share;
    return Math.round(of([...Buffer.from((isRight ? right : left).slice(1), 'hex')]));
  };
  const luma = ([red = 0, green = 0, blue = 0]: number[]): number =>
    0.299 * red + 0.587 * green + 0.114 * blue;
  const plane = (of: (color: number[]) => number, { height, width } = cells): Uint8Array =>
    Uint8Array.from({ length: width * height }, (_value, index) => channelOf(index, width, of));
  return encodeThumbnail({
    ...size,
    luminance: plane(luma, size),
    chroma: {
      ...cells,
      blue: plane((color) => 128 + 0.564 * (Number(color[2]) - luma(color))),
      red: plane((color) => 128 + 0.713 * (Number(color[0]) - luma(color))),
    },
  });
}

function traceOf(fileId: number, kind = kindOf(fileId)) {
  if (kind === undefined) throw new Error('There is no such kind.');
  return {
    fileId,
    contentHash: kind.left.repeat(9),
    fingerprint: null,
    thumbnail: thumbnailOf(kind),
    width: 480,
    height: 320,
  };
}

function describeColors(options: () => Promise<StartOptions>): void {
  let app: StrapiApp;
  let files: PlainFile[];
  let query: Float32Array;
  let spaceId: string;
  let publicFace: SearchFace;
  let adminFace: SearchFace;
  const faces: [string, () => SearchFace][] = [
    ['content API', () => publicFace],
    ['admin API', () => adminFace],
  ];
  const traces = () => createImageTraces(app.strapi);
  const colorRows = () => app.strapi.db.query(IMAGE_COLOR_UID);
  const having = (name: string): number[] =>
    files.map(({ id }) => id).filter((id) => kindOf(id)?.names.includes(name));

  beforeAll(async () => {
    app = await startStrapi({
      imageSearch: { indexing: { enabled: false }, search: { requestsPerMinute: 0 } },
      ...(await options()),
    });
    await app.grantPublic([...publicSearchActions]);
    publicFace = contentApi(app);
    adminFace = await adminApi(app);
    const { collection } = await productOf(app).spaces.get();
    spaceId = collection.space.id;
    query = createDirection('question', collection.space.dimensions);
    files = Array.from({ length: FILES }, (_value, index) => ({
      id: index + 1,
      name: `file-${String(index)}`,
      mime: 'image/png',
      createdBy: null,
      vector: createDirection(`file ${String(index)}`, collection.space.dimensions),
    }));
    await insertFiles(app, collection, files);
    // The last file was never read.
    await traces().put(files.slice(0, -1).map(({ id }) => traceOf(id)));
    files = files.slice(0, -1);
  });
  afterAll(() => app.stop());

  describe.each(faces)('over the %s', (_name, face) => {
    it.each(['red', 'green', 'blue', 'gray', 'yellow'])('finds what is %s', async (color) => {
      const expected = having(color);
      const among = files.filter(({ id }) => expected.includes(id));
      const question = { vector: [...query], space: spaceId, pagination: { limit: 100 } };
      expect(idsOf(await face().search({ ...question, color }))).toEqual(
        rank(among, query).map(({ id }) => id),
      );
      const listed = await face().get('search', { color, pagination: { limit: 100 } });
      expect(new Set(idsOf(readPage(listed)))).toEqual(new Set(expected));
      const filters = { id: { $lte: 10 } };
      const few = await face().search({ color, filters });
      expect(new Set(idsOf(few))).toEqual(new Set(expected.filter((id) => id <= 10)));
    });

    it('finds nothing that is purple', async () => {
      expect(idsOf(await face().search({ color: 'purple' }))).toEqual([]);
    });

    it('finds colors near to another, as far as is asked for', async () => {
      const page = { pagination: { limit: 100 } };
      const near = async (options: object) =>
        new Set(idsOf(await face().search({ ...options, ...page })));
      const exactly = files.map(({ id }) => id).filter((id) => id % kinds.length === 2);
      for (const color of ['#0a7', '0a7', '#00AA77', ' 00aa77']) {
        expect(await near({ color, colorTolerance: 3 })).toEqual(new Set(exactly));
      }
      expect(await near({ color: '#0a7' })).toEqual(new Set(having('green')));
      expect(await near({ color: '#d92626', colorTolerance: 50 })).toEqual(
        new Set(files.map(({ id }) => id)),
      );
      expect(await near({ color: '#d92626', colorTolerance: 5 })).toEqual(new Set(having('red')));
    });

    it('counts colors', async () => {
      const { meta } = await face().search({ facets: ['color'] });
      const counts = ['red', 'green', 'blue', 'gray', 'yellow'].map((value) => ({
        value,
        count: having(value).length,
      }));
      expect(meta.facets?.color).toHaveLength(counts.length);
      expect(meta.facets?.color).toEqual(expect.arrayContaining(counts));
      const { meta: blue } = await face().search({ color: 'blue', facets: 'color' });
      expect(blue.facets?.color).toEqual(
        expect.arrayContaining([{ value: 'blue', count: having('blue').length }]),
      );
      expect(blue.facets?.counted).toBe(having('blue').length);
    });

    it('narrows similar images, which may be of another color', async () => {
      const page = await face().similar(2, { color: 'yellow', pagination: { limit: 100 } });
      expect(new Set(idsOf(page))).toEqual(new Set(having('yellow')));
    });

    it.each<[query: object, message: RegExp]>([
      [{ color: 'mauve' }, /^color: must be red, orange, .*, or a color such as #00aa77$/],
      [{ color: '' }, /^color: /],
      [{ color: '#12' }, /^color: /],
      [{ color: ['red'] }, /^color: /],
      [{ color: '#0a7', colorTolerance: 51 }, /^colorTolerance: /],
      [{ color: '#0a7', colorTolerance: 'much' }, /^colorTolerance: must be a number$/],
      [{ color: 'red', colorTolerance: 5 }, /^colorTolerance: needs "color" in hexadecimal/],
      [{ colorTolerance: 5 }, /^colorTolerance: needs "color" in hexadecimal/],
    ])('refuses %j', async (wrong, message) => {
      const expected = { status: 400, code: 'invalid-input', message } as const;
      expectFailure(await face().post('search', { text: 'dog', ...wrong }), expected);
    });
  });

  it('shows the colors of a file to administrators', async () => {
    const { body } = await adminFace.get('files/1/colors');
    expect(body).toEqual({ data: await colorsOf(app.strapi, 1) });
    const colors = await colorsOf(app.strapi, 1);
    expect(colors.map(({ name }) => name)).toEqual(['green', 'red']);
    expect(colors[0]?.hex).toMatch(/^#2[b-f]/);
    expect(colors[0]?.share).toBeGreaterThan(0.8);
    const total = colors.reduce((sum, { share }) => sum + share, 0);
    expect(total).toBeGreaterThan(0.9);
    expect(total).toBeLessThanOrEqual(1);
    expect((await adminFace.get(`files/${String(FILES)}/colors`)).body).toEqual({ data: [] });
    expect((await adminFace.get('files/999/colors')).status).toBe(404);
  });

  it('follows files that are replaced and deleted', async () => {
    const found = async (color: string) =>
      idsOf(await adminFace.search({ color, filters: { id: 1 } }));
    await traces().put([traceOf(1, kinds[4])]);
    expect([await found('green'), await found('yellow')]).toEqual([[], [1]]);
    await traces().remove([1]);
    expect([await found('green'), await found('yellow')]).toEqual([[], []]);
    expect(await colorRows().count({ where: { fileId: 1 } })).toBe(0);
    await traces().put([traceOf(1)]);
    expect(await found('green')).toEqual([1]);
  });

  it('derives the colors of images that have none, or those of an earlier version', async () => {
    const all = await colorRows().findMany({ orderBy: ['fileId', 'position'] });
    await colorRows().deleteMany({ where: { fileId: { $lte: 20 } } });
    await colorRows().updateMany({
      where: { fileId: { $gte: 30 } },
      data: { version: PALETTE_VERSION - 1, name: 'purple' },
    });
    // No version of the thumbnail that there was.
    await app.strapi.db.query(IMAGE_TRACE_UID).create({
      data: { fileId: 77, contentHash: 'x', thumbnail: 'AAAA', width: 1, height: 1 },
    });
    const { signal } = new AbortController();
    await fillDerived(app.strapi, traces(), signal);
    const after = await colorRows().findMany({ orderBy: ['fileId', 'position'] });
    const withoutIds = (rows: object[]) => rows.map((row) => ({ ...row, id: 0 }));
    const colored = after.filter(({ share }) => share > 0);
    expect(withoutIds(colored)).toEqual(withoutIds(all));
    expect(after.filter(({ share }) => share === 0)).toMatchObject([{ fileId: 77, position: 0 }]);
    expect(await colorsOf(app.strapi, 77)).toEqual([]);
    // Each process does this when it starts: what has no colors is derived once, too.
    const derived: number[] = [];
    const source = traces();
    const noting = {
      listIds: source.listIds.bind(source),
      get: (ids: readonly number[]) => {
        derived.push(...ids);
        return source.get(ids);
      },
    };
    await fillDerived(app.strapi, noting, signal);
    expect(derived).toEqual([]);
    expect(await colorRows().findMany({ orderBy: ['fileId', 'position'] })).toEqual(after);
  });
}

describe('colors of images', () => {
  describeColors(() => Promise.resolve({}));
});

for (const kind of [postgres, mariadb]) {
  describeWithServer(kind, `colors of images on ${kind.name}`, (server) => {
    describeColors(async () => ({ database: await server().createDatabase() }));
  });
}
