import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { embeddingResponseSchema } from '../../plugin/src/contracts/search';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, expectFailure, type SearchFace } from '../support/search-face';

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;
/** A unit vector of the answering space, and that space. */
let vector: number[];
let space: string;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar', 'pizza']),
    imageSearch: { search: { requestsPerMinute: 0 } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
  const response = await publicFace.post('embeddings', { text: 'dog' });
  const { data } = embeddingResponseSchema.parse(response.body);
  vector = data.embedding;
  space = data.space.id;
});

afterAll(async () => {
  await app.stop();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

const refused = (message: RegExp) => ({ status: 400, code: 'invalid-input', message }) as const;

describe.each(faces)('texts over the %s', (_name, face) => {
  it.each([
    ['no characters', ''],
    ['white space alone', ' \n\t\u00a0 '],
    ['null bytes', 'dog\u0000cat'],
    ['3,000 characters', 'x'.repeat(3_000)],
  ])('of %s are rejected', async (_what, text) => {
    expectFailure(await face().get('search', { text }), refused(/text/));
    expectFailure(await face().post('search', { text }), refused(/text/));
    expectFailure(await face().post('search', { text: 'dog', like: [text] }), refused(/like/));
    expectFailure(await face().post('search', { text: 'dog', unlike: [text] }), refused(/unlike/));
    expectFailure(await publicFace.post('embeddings', { text }), refused(/text/));
  });

  it('of 20,000 characters are rejected', async () => {
    const response = await face().post('search', { text: 'x'.repeat(20_000) });
    expectFailure(response, refused(/text: has 20000 characters; at most 1000/));
  });

  it.each([
    'x',
    '🐶',
    '👨‍👩‍👧‍👦',
    'كلب يركض',
    'שלום',
    '一只狗',
    'ﷺ',
    '%',
    '--',
    '\ud83d',
    "'); DROP TABLE files; --",
  ])('like %j are accepted', async (text) => {
    expect((await face().search({ text })).data).toHaveLength(3);
  });

  it.each([[5], [null], [{ a: 1 }], [['dog']], [true]])("can't be %j", async (text) => {
    expectFailure(await face().post('search', { text }), refused(/text/));
  });

  it('are given once, as text', async () => {
    expectFailure(await face().get('search?text=dog&text=cat'), refused(/text/));
    expectFailure(await face().get('search?text[a]=dog'), refused(/text/));
    expectFailure(await face().get('search'), refused(/text/));
  });
});

describe.each(faces)('numbers over the %s', (_name, face) => {
  it.each([
    ...['-1', '0', '101', '1e9', '1000000000', '1.5', 'abc', '', 'NaN', '0x10'].map((value) => [
      'pagination[limit]',
      value,
      /limit/,
    ]),
    ...['-1', '1.5', 'abc', '', '1e9', '99999999999999999999'].map((value) => [
      'pagination[start]',
      value,
      /start/,
    ]),
    ...['2', '-1.01', 'abc', '', 'Infinity'].map((value) => ['minScore', value, /minScore/]),
    ['pagination[page]', '0', /page/],
    ['pagination[size]', '1', /size/],
    ['pagination', '5', /pagination/],
  ] as [string, string, RegExp][])('%s of "%s" is refused', async (key, value, message) => {
    const { id } = app.fileOf('dog');
    const query = { [key]: value };
    expectFailure(await face().get('search', { text: 'dog', ...query }), refused(message));
    expectFailure(await face().get(`similar/${String(id)}`, query), refused(message));
    expectFailure(await face().post('search', { text: 'dog' }).query(query), refused(message));
  });

  it.each([
    [{ pagination: { limit: null } }, /limit/],
    [{ pagination: { limit: true } }, /limit/],
    [{ pagination: [] }, /pagination/],
    [{ pagination: null }, /pagination/],
    [{ minScore: null }, /minScore/],
    [{ minScore: [0.1] }, /minScore/],
  ])('are not %j', async (body, message) => {
    expectFailure(await face().post('search', { text: 'dog', ...body }), refused(message));
  });
});

describe.each(faces)('ids over the %s', (_name, face) => {
  it.each([999_999, 2_147_483_647])("that no file has (%d) aren't found", async (id) => {
    const expected = {
      status: 404,
      code: 'file-not-found',
      message: new RegExp(String(id)),
    } as const;
    expectFailure(await face().get(`similar/${String(id)}`), expected);
    expectFailure(await face().post('search', { fileId: id }), expected);
    expectFailure(await face().post('search', { text: 'dog', like: [id] }), expected);
    expectFailure(await face().post('search', { text: 'dog', unlike: [id] }), expected);
  });

  it.each(['0', '-1', 'abc', '1e400', '1.0', '01', '2147483648', '9'.repeat(30), '1%00', '1;2'])(
    'are not "%s"',
    async (id) => {
      expectFailure(await face().get(`similar/${id}`), refused(/id/));
    },
  );

  it.each([
    '0',
    '-1',
    '"abc"',
    '"1"',
    '1e400',
    '1.5',
    '2147483648',
    '9007199254740993',
    'null',
    '[1]',
  ])('in a body are not %s', async (id) => {
    const post = async (body: string) =>
      await face().post('search').set('Content-Type', 'application/json').send(body);
    expectFailure(await post(`{ "fileId": ${id} }`), refused(/fileId/));
    // A text is an example too.
    if (id.startsWith('"')) return;
    expectFailure(await post(`{ "text": "dog", "like": [${id}] }`), refused(/like\.0/));
  });
});

describe.each(faces)('a question over the %s', (_name, face) => {
  it('is one', async () => {
    const { id } = app.fileOf('dog');
    const image = 'aGFsbG8=';
    for (const body of [
      { text: 'dog', fileId: id },
      { text: 'dog', image },
      { image, fileId: id },
      { text: 'dog', vector, space },
    ]) {
      const response = await face().post('search', body);
      expectFailure(response, refused(/one of "text", "image", "url", "fileId" and "vector"/));
    }
    expectFailure(
      await publicFace.post('embeddings', { text: 'dog', image }),
      refused(/one of "text", "image" and "url"/),
    );
  });

  it.each([{}, { like: [] }])('is not %j', async (body) => {
    const message =
      /query is missing: send "text", "image", "url", "fileId", "vector", "like" or filters/;
    expectFailure(await face().post('search', body), refused(message));
  });

  it.each([{ unlike: ['cat'] }, { minScore: 0.1, filters: { id: 1 } }])(
    'is not %j, which has nothing to compare images with',
    async (body) => {
      const message = /query is missing, which "\w+" needs: send "text"/;
      expectFailure(await face().post('search', body), refused(message));
    },
  );

  it("isn't the URL of an image unless that is enabled", async () => {
    const url = 'http://127.0.0.1/image.png';
    expectFailure(await face().post('search', { url }), refused(/search\.urls\.enabled/));
    expectFailure(await publicFace.post('embeddings', { url }), refused(/search\.urls\.enabled/));
  });

  it.each([
    ['21 examples', Array.from({ length: 21 }, () => 'dog')],
    ['an object', { 0: 'dog' }],
    ['a text', 'dog'],
    ['null', null],
    ['objects', [{ fileId: 1 }]],
    ['lists', [['dog']]],
  ])("doesn't accept %s as examples", async (_what, examples) => {
    expectFailure(await face().post('search', { like: examples }), refused(/like/));
    expectFailure(
      await face().post('search', { text: 'dog', unlike: examples }),
      refused(/unlike/),
    );
  });

  it('accepts 20 examples of each kind', async () => {
    const examples = Array.from({ length: 20 }, (_value, index) => `dog ${String(index)}`);
    const unlike = examples.map((text) => `no ${text}`);
    expect((await face().search({ like: examples, unlike })).data).toHaveLength(3);
  });
});

describe.each(faces)('vectors over the %s', (_name, face) => {
  it('require their space', async () => {
    expectFailure(await face().post('search', { vector }), refused(/"vector" and "space"/));
    expectFailure(await face().post('search', { space }), refused(/"vector" and "space"/));
    const { status } = await face().post('search', { vector, space });
    expect(status).toBe(200);
  });

  it('of another space are a conflict that names both', async () => {
    const response = await face().post('search', { vector, space: 'another-space' });
    expectFailure(response, {
      status: 409,
      code: 'space-mismatch',
      message: new RegExp(`another-space.*${space}`),
    });
  });

  it('have the length of the space, a direction and finite numbers', async () => {
    const wrong: [unknown, RegExp][] = [
      [[], /vector/],
      [vector.slice(1), /vector: expected 256 finite numbers.*got 255/],
      [[...vector, 0], /vector: expected 256 finite numbers.*got 257/],
      [vector.map(() => 0), /vector: expected .* not all zero/],
      [vector.map(() => 1e300), /vector: expected .* finite/],
      [vector.map(String), /vector/],
      [vector.map(() => null), /vector/],
      [{ 0: 1 }, /vector/],
      ['0.1,0.2', /vector/],
    ];
    for (const [given, message] of wrong) {
      const response = await face().post('search', { vector: given, space });
      expectFailure(response, refused(message));
    }
  });

  it('may have any length of their own', async () => {
    const page = await face().search({ vector, space });
    for (const factor of [1e-30, 1e-12, 1e12, 1e30]) {
      const scaled = await face().search({ vector: vector.map((value) => value * factor), space });
      expect(scaled.data.map(({ file }) => file.id)).toEqual(page.data.map(({ file }) => file.id));
    }
  });
});
