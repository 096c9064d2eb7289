import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { createLibrary, sampleImage, type Library } from '../support/library';
import { pollUntil } from '../support/polling';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';

let app: SearchApp;
let library: Library;
beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar']),
    publicActions: [],
    env: { GRAPHQL_ENABLED: 'true' },
    imageSearch: { search: { requestsPerMinute: 40 } },
  });
  library = createLibrary(app);
  const { bytes } = await sampleImage('dog');
  await library.upload({ fileName: 'dog-copy.png', bytes });
  await app.waitUntilIndexed();
});
afterAll(() => app.stop());

describe('GraphQL', () => {
  const SEARCH = 'plugin::image-search.search.find';
  const SIMILAR = 'plugin::image-search.similar.find';
  const DUPLICATES = 'plugin::image-search.duplicates.findOne';
  let token: string;
  beforeAll(async () => {
    token = await tokenFor(SEARCH, SIMILAR, DUPLICATES);
  });

  const tokenFor = (...permissions: string[]) =>
    app.createApiToken({ name: permissions.join(' '), type: 'custom', permissions });

  interface Answer {
    data: Record<string, unknown> | null;
    errors?: { message: string; extensions: { code: string; error?: { details?: unknown } } }[];
  }

  async function ask(query: string, variables: object = {}, as = token): Promise<Answer> {
    const { body } = await app.request
      .post('/graphql')
      .auth(as, { type: 'bearer' })
      .send({ query, variables });
    return body as Answer;
  }

  const FILE = 'file { documentId name url formats createdAt }';

  it('finds images by a text, with Strapi’s own files and filters', async () => {
    const { data, errors } = await ask(
      `query ($text: String, $minScore: Float) {
        imageSearch(
          text: $text
          minScore: $minScore
          filters: { mime: { startsWith: "image/" }, name: { ne: "copy.jpg" } }
          pagination: { page: 1, pageSize: 1 }
          mode: vector
          orientation: null
        ) {
          hits { score matchedBy relevance ${FILE} }
          pagination { start limit hasMore }
          noCloseMatch
          isDegraded
        }
      }`,
      { text: 'a dog', minScore: null },
    );
    expect(errors).toBeUndefined();
    expect(data?.['imageSearch']).toMatchObject({
      hits: [
        {
          score: expect.any(Number),
          matchedBy: ['image'],
          file: { url: expect.stringContaining('/uploads/'), documentId: expect.any(String) },
        },
      ],
      pagination: { start: 0, limit: 1, hasMore: true },
      isDegraded: false,
    });
  });

  it('finds images by examples, similar ones and duplicates', async () => {
    const { id } = app.fileOf('dog');
    const { data, errors } = await ask(
      `query ($id: Int!, $like: [JSON!]) {
        imageSearch(like: $like, unlike: ["a guitar"]) { hits { ${FILE} } }
        similarImages(id: $id) { hits { score ${FILE} } }
        imageDuplicates(id: $id) { duplicates { kind score ${FILE} } pagination { hasMore } }
      }`,
      { id, like: [id, 'an animal'] },
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      imageSearch: { hits: expect.arrayContaining([expect.anything()]) },
      similarImages: { hits: expect.arrayContaining([expect.anything()]) },
      imageDuplicates: { duplicates: [{ kind: 'identical', score: 1 }] },
    });
  });

  it('leads from one query to the next, with the ids that it answers', async () => {
    const found = await ask(
      `{ imageSearch(text: "a dog", pagination: { limit: 1 }) { hits { fileId ${FILE} } } }`,
    );
    expect(found.errors).toBeUndefined();
    const first = z
      .object({ imageSearch: z.object({ hits: z.tuple([z.object({ fileId: z.int() })]) }) })
      .parse(found.data).imageSearch.hits[0].fileId;
    const next = await ask(
      `query ($id: Int!, $like: [JSON!]) {
        similarImages(id: $id) { hits { fileId ${FILE} } }
        imageSearch(like: $like) { hits { fileId } }
        imageDuplicates(id: $id, withCount: true) {
          duplicates { fileId } pagination { total }
        }
      }`,
      { id: first, like: [first] },
    );
    expect(next.errors).toBeUndefined();
    const files = z.array(z.object({ fileId: z.int() }));
    const { similarImages, imageDuplicates } = z
      .object({
        similarImages: z.object({ hits: files.min(1) }),
        imageSearch: z.object({ hits: files.min(1) }),
        imageDuplicates: z.object({
          duplicates: files,
          pagination: z.object({ total: z.int() }),
        }),
      })
      .parse(next.data);
    expect(similarImages.hits.map(({ fileId }) => fileId)).not.toContain(first);
    expect(imageDuplicates.pagination.total).toBe(imageDuplicates.duplicates.length);
  });

  it('finds and counts colors', async () => {
    const [berry] = await library.upload(await sampleImage('strawberry'));
    await app.waitUntilIndexed();
    const { data, errors } = await ask(
      `{
        red: imageSearch(color: "red", facets: [color]) {
          hits { fileId }
          facets { color { value count } }
        }
        nearly: imageSearch(color: "#00ff00", colorTolerance: 1) { hits { fileId } }
      }`,
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      red: {
        hits: expect.arrayContaining([{ fileId: berry?.id }]),
        facets: { color: expect.arrayContaining([expect.objectContaining({ value: 'red' })]) },
      },
      nearly: { hits: [] },
    });
  });

  it('orders, counts and folds what it finds', async () => {
    const { bytes } = await sampleImage('castle');
    await library.upload({ fileName: 'castle-1.jpg', bytes });
    await app.waitUntilIndexed();
    await library.upload({ fileName: 'castle-2.jpg', bytes });
    await app.waitUntilIndexed();
    await pollUntil(
      async () => (await library.call('get', '/image-search/duplicates')).body as object,
      (body) => JSON.stringify(body).includes('castle-2.jpg'),
    );
    const { data, errors } = await ask(
      `query ($likely: JSON, $some: JSON) {
        listed: imageSearch(
          filters: { name: { startsWith: "castle-" } }
          sort: "name:desc"
          withCount: true
          pagination: { limit: 1 }
          facets: [type, year]
        ) {
          hits { duplicateCount view { kind number } file { name } }
          pagination { total hasMore }
          facets { type { value count } folder { value } counted isLowerBound }
        }
        folded: imageSearch(
          text: "a castle"
          filters: { name: { startsWith: "castle-" } }
          collapse: true
          autocut: false
          diversity: 0.1
        ) { hits { duplicateCount file { name } } }
        likely: imageSearch(text: "a castle", minRelevance: $likely) { isDegraded }
        some: imageSearch(text: "a castle", minRelevance: $some) { isDegraded }
      }`,
      { likely: 'likely', some: 0 },
    );
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({
      listed: {
        hits: [{ duplicateCount: null, view: null, file: { name: 'castle-2.jpg' } }],
        pagination: { total: 2, hasMore: true },
        facets: {
          type: [{ value: 'image/jpeg', count: 2 }],
          folder: null,
          counted: 2,
          isLowerBound: false,
        },
      },
      folded: { hits: [{ duplicateCount: 1 }] },
    });
    const wrong = await ask('{ imageSearch(text: "a", minRelevance: "weak") { isDegraded } }');
    expect(wrong.errors?.[0]?.message).toMatch(/minRelevance/);
  });

  it('allows what the role or token may do', async () => {
    const { id } = app.fileOf('dog');
    const query = `query ($id: Int!) { similarImages(id: $id) { hits { score } } }`;
    const searching = await tokenFor(SEARCH);
    const refused = await ask(query, { id }, searching);
    expect(refused.data).toBeNull();
    expect(refused.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const anyone = await app.request.post('/graphql').send({ query, variables: { id } });
    expect((anyone.body as Answer).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const unused = await ask('{ imageSearch(unused: true) { hits { score } } }', {}, searching);
    expect(unused.errors?.[0]?.message).toMatch(/usage\.findOne/);
  });

  it('refuses what the REST API does, with its code', async () => {
    const search = async (args: string) => {
      const { errors } = await ask(`{ imageSearch(${args}) { hits { score } } }`);
      return errors?.[0];
    };
    expect(await search('minScore: 0.5')).toMatchObject({
      message: expect.stringContaining('query is missing'),
      extensions: { code: 'BAD_USER_INPUT', error: { details: { code: 'invalid-input' } } },
    });
    expect(await search('text: "dog", pagination: { limit: 1000 }')).toMatchObject({
      message: expect.stringContaining('pagination.limit'),
    });
    expect(await search('like: [999999]')).toMatchObject({
      message: 'File 999999 not found.',
      extensions: { code: 'STRAPI_NOT_FOUND_ERROR' },
    });
    expect(await search('text: "dog", filters: { folderPath: { eq: "/" } }')).toBeDefined();
  });

  it('counts every field of a query against the rate limit', async () => {
    const greedy = await tokenFor(SEARCH);
    const fields = Array.from(
      { length: 41 },
      (_, index) => `a${String(index)}: imageSearch(text: "dog") { isDegraded }`,
    );
    const { errors } = await ask(`{ ${fields.join(' ')} }`, {}, greedy);
    expect(errors?.map(({ extensions }) => extensions.error?.details)).toEqual([
      { code: 'rate-limited' },
    ]);
  });
});
