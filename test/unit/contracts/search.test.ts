import { describe, expect, it } from '@jest/globals';
import {
  embeddingBodySchema,
  searchBodySchema,
  similarQuerySchema,
  textSearchQuerySchema,
} from '../../../plugin/src/contracts/search';

interface Schema {
  safeParse(value: unknown): {
    success: boolean;
    error?: { issues: { path: PropertyKey[]; message: string }[] } | undefined;
  };
}

/** Paths of all errors. */
function faults(schema: Schema, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path }) => path.map(String).join('.'));
}

const firstPage = { start: 0, limit: 25, page: undefined, withCount: false };

describe('the query of a text search', () => {
  it('needs no text, and defaults to the first page', () => {
    expect(textSearchQuerySchema.parse({ text: 'a red car' })).toEqual({
      text: 'a red car',
      pagination: firstPage,
    });
    expect(textSearchQuerySchema.parse({})).toEqual({ pagination: firstPage });
  });

  it('reads numbers from the query string', () => {
    const query = {
      text: 'a red car',
      pagination: { start: '50', limit: '100' },
      minScore: '-0.25',
      filters: { mime: { $eq: 'image/png' } },
    };
    expect(textSearchQuerySchema.parse(query)).toEqual({
      ...query,
      pagination: { ...firstPage, start: 50, limit: 100 },
      minScore: -0.25,
    });
  });

  it.each([
    ['', 'text'],
    [' \n\t ', 'text'],
    ['a\u0000b', 'text'],
    [['a', 'b'], 'text'],
    [7, 'text'],
  ])('rejects the text %j', (text, path) => {
    expect(faults(textSearchQuerySchema, { text })).toContain(path);
  });

  it('rejects unknown parameters', () => {
    const { error } = textSearchQuerySchema.safeParse({ text: 'car', limit: 5 });
    expect(error?.issues).toMatchObject([
      {
        code: 'unrecognized_keys',
        keys: ['limit'],
        message: 'unknown key "limit": use pagination[limit]',
      },
    ]);
  });
});

describe('common parameters', () => {
  it('default to a first page of 25', () => {
    expect(similarQuerySchema.parse({})).toEqual({ pagination: firstPage });
    expect(similarQuerySchema.parse({ pagination: { start: 5 } })).toEqual({
      pagination: { ...firstPage, start: 5 },
    });
  });

  it.each([0, 7, '0', '7', ' 7 ', 10_000])('accept a start of %j', (start) => {
    expect(similarQuerySchema.parse({ pagination: { start } }).pagination.start).toBe(
      Number(start),
    );
  });

  it.each([
    -1,
    1.5,
    '-1',
    '1.5',
    'one',
    '',
    ' ',
    null,
    true,
    [],
    ['7'],
    {},
    '1e999',
    1e300,
    10_001,
    '1000000000',
  ])('reject a start of %j', (start) => {
    expect(faults(similarQuerySchema, { pagination: { start } })).toContain('pagination.start');
  });

  it.each([0, 101, '0', '101', '', null, true, 2.5])('reject a limit of %j', (limit) => {
    expect(faults(similarQuerySchema, { pagination: { limit } })).toContain('pagination.limit');
  });

  it.each([-1, 0, 1, 0.5, '0.5', '-1'])('accept a minimum score of %j', (minScore) => {
    expect(similarQuerySchema.parse({ minScore }).minScore).toBe(Number(minScore));
  });

  it.each([-1.01, 1.01, '2', 'high', '', null, false, [], 'NaN'])(
    'reject a minimum score of %j',
    (minScore) => {
      expect(faults(similarQuerySchema, { minScore })).toContain('minScore');
    },
  );

  it.each(['mime', 7, null, ['mime']])('reject filters that are %j', (filters) => {
    expect(faults(similarQuerySchema, { filters })).toContain('filters');
  });

  it('read file traits from both JSON and the query string', () => {
    const traits = { orientation: 'portrait', unused: true, hasAlternativeText: false };
    const asTexts = { orientation: 'portrait', unused: 'true', hasAlternativeText: 'false' };
    expect(similarQuerySchema.parse(traits)).toEqual({ ...traits, pagination: firstPage });
    expect(similarQuerySchema.parse(asTexts)).toEqual({ ...traits, pagination: firstPage });
  });

  it.each([
    [{ orientation: 'wide' }, 'orientation'],
    [{ orientation: null }, 'orientation'],
    [{ orientation: ['square'] }, 'orientation'],
    [{ unused: 1 }, 'unused'],
    [{ unused: 'TRUE' }, 'unused'],
    [{ hasAlternativeText: null }, 'hasAlternativeText'],
    [{ hasAlternativeText: '' }, 'hasAlternativeText'],
  ])('rejects %j', (traits, path) => {
    expect(faults(similarQuerySchema, traits)).toEqual([path]);
  });

  it.each([
    [{ page: 3 }, { start: 50, limit: 25, page: 3, withCount: false }],
    [{ pageSize: '5' }, { start: 0, limit: 5, page: 1, withCount: false }],
    [
      { page: '2', pageSize: '10', withCount: 'true' },
      { start: 10, limit: 10, page: 2, withCount: true },
    ],
    [{ withCount: true }, { ...firstPage, withCount: true }],
  ])('accept pages: %j', (pagination, expected) => {
    expect(similarQuerySchema.parse({ pagination }).pagination).toEqual(expected);
  });

  it.each([
    [{ page: 1, start: 0 }, 'pagination'],
    [{ pageSize: 5, limit: 5 }, 'pagination'],
    [{ page: 0 }, 'pagination.page'],
    [{ page: 1_002, pageSize: 10 }, 'pagination.page'],
    [{ pageSize: 101 }, 'pagination.pageSize'],
    [{ withCount: 'yes' }, 'pagination.withCount'],
    [{ size: 5 }, 'pagination'],
  ])('reject pagination by %j', (pagination, path) => {
    expect(faults(similarQuerySchema, { pagination })).toEqual([path]);
  });

  it('accept names of fields in a list or separated by commas', () => {
    expect(similarQuerySchema.parse({ fields: 'url, formats.small' }).fields).toEqual([
      'url',
      'formats.small',
    ]);
    expect(similarQuerySchema.parse({ fields: ['*'] }).fields).toEqual(['*']);
    for (const fields of [[], 5, ['__proto__'], 'formats.constructor', { a: 'b' }]) {
      expect(faults(similarQuerySchema, { fields })).toHaveLength(1);
    }
  });
});

describe('the body of a search', () => {
  it('accepts every kind of query', () => {
    const body = {
      text: 'a red car',
      image: 'data:image/png;base64,AA==',
      fileId: 7,
      vector: [0.5, -0.5],
      space: 'clip-small-4-0123456789',
      like: [7, 'a car'],
      unlike: ['a toy'],
    };
    expect(searchBodySchema.parse(body)).toEqual({ ...body, pagination: firstPage });
  });

  it.each([
    [{ text: '' }, 'text'],
    [{ image: '' }, 'image'],
    [{ fileId: 0 }, 'fileId'],
    [{ fileId: -7 }, 'fileId'],
    [{ fileId: 1.5 }, 'fileId'],
    [{ fileId: 'seven' }, 'fileId'],
    [{ vector: [1, 'two'] }, 'vector.1'],
    [{ vector: [1, null] }, 'vector.1'],
    [{ vector: 'AAAA' }, 'vector'],
    [{ space: '' }, 'space'],
    [{ like: 7 }, 'like'],
    [{ like: [0] }, 'like.0'],
    [{ like: [''] }, 'like.0'],
    [{ like: [{ id: 7 }] }, 'like.0'],
    [{ unlike: [7, null] }, 'unlike.1'],
  ])('rejects %j', (body, path) => {
    expect(faults(searchBodySchema, body)).toContain(path);
  });

  it.each(['like', 'unlike'] as const)('accepts at most twenty examples in %s', (name) => {
    const examples = Array.from({ length: 21 }, (_, index) => index + 1);
    expect(faults(searchBodySchema, { [name]: examples.slice(1) })).toEqual([]);
    expect(faults(searchBodySchema, { [name]: examples })).toEqual([name]);
  });

  it('accepts vectors of up to 8,192 numbers', () => {
    const vector = Array.from({ length: 8_192 }, () => 0.5);
    expect(faults(searchBodySchema, { vector })).toEqual([]);
    expect(faults(searchBodySchema, { vector: [...vector, 0.5] })).toEqual(['vector']);
  });

  it.each(['vector', 'like', 'unlike'])('validates no items of a %s that is too long', (name) => {
    const items = Array.from({ length: 100_000 }, () => null);
    expect(faults(searchBodySchema, { [name]: items })).toEqual([name]);
  });

  it('reports every error at once', () => {
    const body = { text: '', fileId: 0, pagination: { limit: 0 } };
    expect(faults(searchBodySchema, body)).toEqual(['text', 'fileId', 'pagination.limit']);
  });

  it('says what an example must be', () => {
    const { error } = searchBodySchema.safeParse({ like: [{}] });
    expect(error?.issues[0]?.message).toBe('must be the numeric id of a file or a text');
  });
});

describe('the URL of an image', () => {
  it.each([
    'http://example.com/a.png',
    'https://example.com:8443/a.png?b=c#d',
    'HTTPS://EXAMPLE.COM',
    'http://[::1]/',
  ])('can be %s', (url) => {
    expect(searchBodySchema.parse({ url }).url).toBe(url);
    expect(embeddingBodySchema.parse({ url })).toEqual({ url });
  });

  it.each([
    '',
    'a.png',
    '//example.com/a.png',
    'ftp://example.com/a.png',
    'data:image/png;base64,AA==',
    'http://',
    'http://name@example.com/a.png',
    'http://:password@example.com/a.png',
    `http://example.com/${'x'.repeat(2_048)}`,
    7,
    null,
    ['http://example.com/a.png'],
  ])("can't be %j", (url) => {
    expect(faults(searchBodySchema, { url })).toEqual(['url']);
    expect(faults(embeddingBodySchema, { url })).toEqual(['url']);
  });
});

describe('the body of an embedding', () => {
  it('accepts a text or an image and nothing else', () => {
    expect(embeddingBodySchema.parse({ text: 'a dog' })).toEqual({ text: 'a dog' });
    expect(faults(embeddingBodySchema, { fileId: 7 })).toEqual(['']);
  });
});
