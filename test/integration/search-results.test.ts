import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { embeddingResponseSchema, type SearchResponse } from '../../plugin/src/contracts/search';
import type { DuplicatePair } from '../../plugin/src/duplicates/contract';
import { renderSampleImage, sampleLibrary } from '../../sample/library';
import { pollUntil } from '../support/polling';
import {
  productOf,
  publicSearchActions,
  startSearchApp,
  type SearchApp,
} from '../support/search-app';
import {
  adminApi,
  contentApi,
  expectFailure,
  idsOf,
  readPage,
  scoresOf,
  type SearchFace,
} from '../support/search-face';

/** With copies of 17 of them, 60 images. */
const concepts = new Set(
  (
    'red-apple guitar teapot dog pizza sailboat butterfly bicycle owl croissant castle dress sunflower elephant ' +
    'rainbow camera hammer banana strawberry carrot mushroom hamburger doughnut cat lion penguin octopus honeybee ' +
    'cactus bus airplane rocket volcano snowflake scissors backpack violin soccer-ball key balloon microscope robot'
  ).split(' '),
);
const images = sampleLibrary.filter(({ concept }) => concepts.has(concept));

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;

beforeAll(async () => {
  app = await startSearchApp({
    images,
    publicActions: [...publicSearchActions, 'plugin::image-search.duplicates.findOne'],
    imageSearch: { search: { requestsPerMinute: 0 } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
});

afterAll(async () => {
  await app.stop();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

async function bytesOf(concept: string): Promise<Buffer> {
  return await renderSampleImage(app.fileOf(concept).image);
}

async function embeddingOf(body: Record<string, string>) {
  const response = await publicFace.post('embeddings', body);
  expect(response.status).toBe(200);
  expect(response.body).toEqual(embeddingResponseSchema.parse(response.body));
  return embeddingResponseSchema.parse(response.body).data;
}

describe.each(faces)('a search over the %s', (_name, face) => {
  it("returns images best first, with the index's coverage", async () => {
    const page = await face().searchText('a dog', { 'pagination[limit]': '100' });
    expect(idsOf(page)).toHaveLength(images.length);
    expect(new Set(idsOf(page))).toEqual(new Set(app.files.map(({ id }) => id)));
    const scores = scoresOf(page);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(scores.every((score) => score >= -1 && score <= 1)).toBe(true);
    expect(page.data.every(({ matchedBy }) => matchedBy.join() === 'image')).toBe(true);
    expect(page.meta).toEqual({
      pagination: { start: 0, limit: 100, hasMore: false },
      index: { space: expect.any(String), indexed: images.length, total: images.length },
      noCloseMatch: false,
      mode: 'vector',
      isDegraded: false,
    });
  });

  it('returns 25 by default', async () => {
    const page = await face().searchText('fruit');
    expect(page.data).toHaveLength(25);
    expect(page.meta.pagination).toEqual({ start: 0, limit: 25, hasMore: true });
  });

  it('shows files as Strapi does', async () => {
    const [hit] = (await face().searchText('guitar')).data;
    expect(hit?.file).toMatchObject({
      documentId: expect.any(String),
      name: expect.any(String),
      url: expect.stringContaining('/uploads/'),
      mime: expect.stringContaining('image/'),
      formats: expect.objectContaining({ thumbnail: expect.anything() }),
      width: expect.any(Number),
    });
  });

  it('lists what passes the filters, newest first, when there is nothing else', async () => {
    const chosen = app.files.slice(0, 7).map(({ id }) => id);
    const filters = { id: { $in: chosen } };
    const pages = [
      await face().search({ filters, pagination: { limit: 4 } }),
      await face().search({ filters, pagination: { start: 4, limit: 4 } }),
    ];
    const files = pages.flatMap(({ data }) => data.map(({ file }) => file));
    // Files that are uploaded at once may get their ids in another order than their times.
    const ages = files.map(({ createdAt, id }) => [String(createdAt), id] as const);
    const newestFirst = ages.toSorted(
      ([time, id], [otherTime, otherId]) => otherTime.localeCompare(time) || otherId - id,
    );
    expect(ages).toEqual(newestFirst);
    expect(files.map(({ id }) => id).sort()).toEqual([...chosen].sort());
    expect(pages.map(({ meta }) => meta.pagination.hasMore)).toEqual([true, false]);
    for (const { score, matchedBy } of pages.flatMap(({ data }) => data)) {
      expect([score, matchedBy]).toEqual([null, []]);
    }
    const inAddress = readPage(await face().get('search', { hasAlternativeText: 'false' }));
    expect(inAddress.data.length).toBeGreaterThan(0);
    expect(inAddress.data.every(({ file }) => !file['alternativeText'])).toBe(true);
    expect(inAddress.meta.noCloseMatch).toBeNull();
    expect(inAddress.meta.index.space).toBe((await face().searchText('dog')).meta.index.space);
  });

  it('accepts the text in the query string and in the body', async () => {
    const inAddress = await face().searchText('something to eat');
    const inBody = await face().search({ text: 'something to eat' });
    expect(inBody).toEqual(inAddress);
  });

  it.each(['base64', 'data URL', 'file part'])('finds an image by its %s', async (form) => {
    const bytes = await bytesOf('butterfly');
    const base64 = bytes.toString('base64');
    const page =
      form === 'file part'
        ? readPage(await face().post('search').attach('image', bytes, 'query.jpg'))
        : await face().search({
            image: form === 'base64' ? base64 : `data:image/jpeg;base64,${base64}`,
          });
    const [best, second] = page.data;
    expect([best?.file.id, second?.file.id]).toContain(app.fileOf('butterfly').id);
    // Strapi may have re-encoded the stored file.
    expect(best?.score).toBeGreaterThan(0.97);
  });

  it('finds the same by file as by its id in the URL, without the file itself', async () => {
    const { id } = app.fileOf('owl');
    const bySimilar = await face().similar(id);
    expect(await face().search({ fileId: id })).toEqual(bySimilar);
    expect(idsOf(bySimilar)).not.toContain(id);
    const copy = app.files.find(({ image }) => image.concept === 'owl' && image.duplicateOf);
    expect(idsOf(bySimilar)[0]).toBe(copy?.id);
  });

  it('finds the same by vector as by its text', async () => {
    const { embedding, space } = await embeddingOf({ text: 'a musical instrument' });
    const byVector = await face().search({ vector: embedding, space: space.id });
    const byText = await face().searchText('a musical instrument');
    expect(idsOf(byVector)).toEqual(idsOf(byText));
    expect(scoresOf(byVector)[0]).toBeCloseTo(scoresOf(byText)[0] ?? Number.NaN, 5);
  });

  it('excludes files below the minimum score', async () => {
    const all = await face().searchText('a cat', { 'pagination[limit]': '100' });
    const minScore = scoresOf(all)[6] ?? Number.NaN;
    const cut = await face().searchText('a cat', { minScore: String(minScore) });
    expect(idsOf(cut)).toEqual(idsOf(all).slice(0, cut.data.length));
    expect(cut.data.length).toBeGreaterThanOrEqual(7);
    expect(cut.data.length).toBeLessThan(all.data.length);
    expect(Math.min(...scoresOf(cut))).toBeGreaterThanOrEqual(minScore);
    expect((await face().searchText('a cat', { minScore: '1' })).data).toEqual([]);
    expect((await face().searchText('a cat', { minScore: '-1' })).data).toHaveLength(25);
  });
});

describe('the two APIs', () => {
  it.each([
    ['a text', () => ({ text: 'a vehicle' })],
    ['a file', () => ({ fileId: app.fileOf('pizza').id })],
    ['examples', () => ({ text: 'fruit', unlike: [app.fileOf('red-apple').id] })],
  ])(
    'return the same order to everyone and the super administrator for %s',
    async (_name, body) => {
      const forEverybody = await publicFace.search(body());
      const forAdministrator = await adminFace.search(body());
      expect(idsOf(forAdministrator)).toEqual(idsOf(forEverybody));
      expect(scoresOf(forAdministrator)).toEqual(scoresOf(forEverybody));
    },
  );
});

describe('examples', () => {
  it('work alone, and are excluded from results if they are files', async () => {
    const liked = ['dog', 'cat', 'lion'].map((concept) => app.fileOf(concept).id);
    const page = await publicFace.search({ like: liked });
    for (const id of liked) expect(idsOf(page)).not.toContain(id);
    const texts = await publicFace.search({ like: ['dog'] });
    expect(texts).toEqual(await publicFace.searchText('dog'));
  });

  it('combine with a main query of any kind', async () => {
    const image = (await bytesOf('guitar')).toString('base64');
    const { embedding, space } = await embeddingOf({ text: 'guitar' });
    const violin = app.fileOf('violin').id;
    const questions: Record<string, unknown>[] = [
      { text: 'guitar' },
      { image },
      { fileId: app.fileOf('guitar').id },
      { vector: embedding, space: space.id },
    ];
    for (const question of questions) {
      const page = await publicFace.search({ ...question, like: [violin, 'music'] });
      const alone = await publicFace.search(question);
      expect(idsOf(page)).not.toContain(violin);
      expect(scoresOf(page)[0]).not.toBe(scoresOf(alone)[0]);
    }
  });

  it('to avoid lower what they show, and are excluded themselves', async () => {
    const apples = app.files.filter(({ image }) => image.concept === 'red-apple');
    const [example, ...others] = apples.map(({ id }) => id);
    const limit = { pagination: { limit: 100 } };
    const all = idsOf(await publicFace.search({ text: 'fruit', ...limit }));
    const without = idsOf(await publicFace.search({ text: 'fruit', unlike: [example], ...limit }));
    expect(without).toHaveLength(all.length - 1);
    expect(without).not.toContain(example);
    expect(others.length).toBeGreaterThan(0);
    for (const id of others) expect(without.indexOf(id)).toBeGreaterThan(all.indexOf(id));
  });

  it('can be texts to avoid', async () => {
    const { id } = app.fileOf('strawberry');
    const limit = { pagination: { limit: 100 } };
    const all = await publicFace.search({ text: 'fruit', ...limit });
    const without = await publicFace.search({ text: 'fruit', unlike: ['strawberry'], ...limit });
    expect(idsOf(without).indexOf(id)).toBeGreaterThan(idsOf(all).indexOf(id));
  });
});

describe('embeddings', () => {
  it('are unit vectors of the active space, the same for an image in each form', async () => {
    const bytes = await bytesOf('key');
    const fromBase64 = await embeddingOf({ image: bytes.toString('base64') });
    const response = await publicFace.post('embeddings').attach('image', bytes, 'key.jpg');
    expect(embeddingResponseSchema.parse(response.body).data).toEqual(fromBase64);
    expect(fromBase64.embedding).toHaveLength(fromBase64.space.dimensions);
    expect(Math.hypot(...fromBase64.embedding)).toBeCloseTo(1, 5);
    const page = await publicFace.searchText('key');
    expect(page.meta.index.space).toBe(fromBase64.space.id);
  });
});

describe('retrieval', () => {
  it('finds an image of most things by name among the first five', async () => {
    const asked = [...concepts].slice(0, 40);
    const found = [];
    for (const concept of asked) {
      const { data } = await publicFace.searchText(concept.replaceAll('-', ' '));
      const best = data.slice(0, 5).map(({ file }) => file.id);
      const shown = app.files.filter(({ image }) => image.concept === concept);
      if (shown.some(({ id }) => best.includes(id))) found.push(concept);
    }
    expect(asked).toHaveLength(40);
    expect(found.length).toBeGreaterThanOrEqual(28);
  });
});

describe('known duplicates of the same image', () => {
  async function pairsOf(fileIds: readonly number[]): Promise<DuplicatePair[]> {
    const { pairs } = productOf(app);
    const found = await pairs.pairsTouching({ fileIds, status: 'open', limit: 1_000 });
    return found.filter(({ verdict }) => verdict.kind !== 'edited');
  }

  beforeAll(async () => {
    const teapots = app.files.filter(({ image }) => image.concept === 'teapot');
    expect(teapots.length).toBeGreaterThan(1);
    // Detection follows indexing.
    await pollUntil(
      () => pairsOf(teapots.map(({ id }) => id)),
      (pairs) => pairs.length > 0,
    );
  });

  async function readAll(face: SearchFace): Promise<SearchResponse['data']> {
    const data: SearchResponse['data'] = [];
    for (let start = 0, hasMore = true; hasMore; start += 9) {
      const pagination = { start, limit: 9 };
      const page = await face.search({ text: 'a teapot', collapse: true, pagination });
      data.push(...page.data);
      hasMore = page.meta.pagination.hasMore;
    }
    return data;
  }

  it.each(faces)('are folded into one hit on all pages, over the %s', async (_name, face) => {
    const fileIds = app.files.map(({ id }) => id);
    // Between two pages, others may be found.
    const { data, pairs } = await pollUntil(
      async () => ({
        pairs: await pairsOf(fileIds),
        data: await readAll(face()),
        later: await pairsOf(fileIds),
      }),
      ({ later, pairs: earlier }) => later.length === earlier.length,
    );
    const shown = data.map(({ file }) => file.id);
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown.length).toBeLessThan(images.length);
    for (const { fileA, fileB } of pairs)
      expect(shown.includes(fileA) && shown.includes(fileB)).toBe(false);
    expect(data[0]?.duplicateCount).toBeGreaterThan(0);
    expect(data.every(({ duplicateCount }) => duplicateCount !== undefined)).toBe(true);
  });

  it('are grouped on request', async () => {
    const find = (start: number, limit: number) =>
      adminFace.search({ text: 'a teapot', groupBy: 'duplicates', pagination: { start, limit } });
    const { data } = await find(0, 100);
    const [best] = data;
    const partners = await pairsOf([best?.file.id ?? 0]);
    expect(best?.group?.count).toBeGreaterThan(1);
    expect(partners.flatMap(({ fileA, fileB }) => [fileA, fileB])).toEqual(
      expect.arrayContaining(best?.group?.others.map(({ file }) => file.id) ?? []),
    );
    const members = data.flatMap(({ file, group }) => [
      file.id,
      ...(group?.others ?? []).map((other) => other.file.id),
    ]);
    expect(new Set(members).size).toBe(members.length);
    const [first, second] = [await find(0, 1), await find(1, 1)];
    expect(idsOf(first)).toEqual(idsOf({ ...first, data: data.slice(0, 1) }));
    expect(idsOf(second)).toEqual(idsOf({ ...second, data: data.slice(1, 2) }));
    const failure = { status: 400, code: 'invalid-input', message: /^collapse: / } as const;
    const both = { text: 'a teapot', groupBy: 'duplicates', collapse: true };
    expectFailure(await adminFace.post('search', both), failure);
  });

  it('are shown one by one unless a search says otherwise', async () => {
    const { data } = await publicFace.search({ text: 'a teapot', pagination: { limit: 100 } });
    expect(data).toHaveLength(images.length);
    expect(data[0]).not.toHaveProperty('duplicateCount');
  });

  it('count only those that pass the filters', async () => {
    const { data } = await publicFace.search({ text: 'a teapot', collapse: true });
    const [best] = data;
    if (!best) throw new Error('Nothing was found.');
    const filters = { id: best.file.id };
    const alone = await publicFace.search({ text: 'a teapot', collapse: true, filters });
    expect(alone.data).toMatchObject([{ duplicateCount: 0, file: { id: best.file.id } }]);
  });
});

describe('diversity', () => {
  it('changes the order, and loses and repeats no image', async () => {
    const question = { text: 'fruit', pagination: { limit: 100 } };
    const plain = idsOf(await publicFace.search(question));
    const diverse = idsOf(await publicFace.search({ ...question, diversity: 0.7 }));
    expect(diverse).not.toEqual(plain);
    expect(diverse[0]).toBe(plain[0]);
    expect(diverse.toSorted((one, other) => one - other)).toEqual(
      plain.toSorted((one, other) => one - other),
    );
    const first = await publicFace.search({
      ...question,
      diversity: 0.7,
      pagination: { limit: 7 },
    });
    expect(idsOf(first)).toEqual(diverse.slice(0, 7));
  });

  it.each([-0.1, 1.1, 'much'])('is no %p', async (diversity) => {
    const response = await publicFace.post('search', { text: 'fruit', diversity });
    expect(response.status).toBe(400);
  });
});

describe('a sort', () => {
  const namesOf = ({ data }: SearchResponse): string[] => data.map(({ file }) => String(file.name));

  it('orders the images that pass the filters', async () => {
    const filters = { mime: 'image/png' };
    const page = await publicFace.search({ filters, sort: 'name', pagination: { limit: 100 } });
    const names = namesOf(page);
    expect(names.length).toBeGreaterThan(5);
    expect(names).toEqual(names.toSorted());
    const last = await publicFace.search({
      filters,
      sort: ['name:desc'],
      pagination: { limit: 3 },
    });
    expect(namesOf(last)).toEqual(names.toReversed().slice(0, 3));
  });

  it('orders the images that a search finds, on all pages', async () => {
    const found = await publicFace.search({ text: 'fruit', sort: 'createdAt:desc,name' });
    const dates = found.data.map(({ file }) => String(file['createdAt']));
    expect(dates).toEqual(dates.toSorted().toReversed());
    expect(idsOf(found)).not.toEqual(idsOf(await publicFace.search({ text: 'fruit' })));
    const query = { text: 'fruit', sort: 'name:asc' };
    const [first, second] = await Promise.all(
      [0, 20].map((start) => publicFace.search({ ...query, pagination: { start, limit: 20 } })),
    );
    if (!first || !second) throw new Error('A page is missing.');
    const names = [...namesOf(first), ...namesOf(second)];
    expect(names).toEqual(names.toSorted());
    expect(new Set(names).size).toBe(40);
  });

  it.each(['url', 'name:up', 'folderPath', ''])('by "%s" is refused', async (sort) => {
    const response = await publicFace.post('search', { text: 'fruit', sort });
    expect(response.status).toBe(400);
  });
});
