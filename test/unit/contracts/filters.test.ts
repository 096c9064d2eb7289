import { describe, expect, it } from '@jest/globals';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import { searchBodySchema, similarQuerySchema } from '../../../plugin/src/contracts/search';

function messages(filters: unknown): string[] {
  const { error } = similarQuerySchema.safeParse({ filters });
  return (error?.issues ?? []).map(
    ({ path, message }) => `${path.map(String).join('.')} ${message}`,
  );
}

/** Filters with this many nested objects. */
function nested(levels: number): object {
  let filters: object = {};
  for (let level = 0; level < levels; level += 1) filters = { $not: filters };
  return filters;
}

/** `$or`, its conditions, and their single key. */
const alternatives = (count: number): object => ({
  $or: Array.from({ length: count }, (_, index) => ({ id: index })),
});

const TOO_MANY = 'filters must have at most 200 keys and list items, all levels together';
const TOO_DEEP = 'filters must have at most 10 levels';

describe('filters', () => {
  it('have up to 200 keys and list items', () => {
    const { maxFilterNodes } = apiLimits;
    expect(messages({ name: { $in: Array.from({ length: maxFilterNodes - 2 }, String) } })).toEqual(
      [],
    );
    expect(messages({ name: { $in: Array.from({ length: maxFilterNodes - 1 }, String) } })).toEqual(
      [TOO_MANY],
    );
    expect(messages(alternatives(99))).toEqual([]);
    expect(messages(alternatives(100))).toEqual([TOO_MANY]);
  });

  it('have up to 1,000 ids of files beside that', () => {
    const { maxFilterIds } = apiLimits;
    const ids = (count: number) => ({ id: { $in: Array.from({ length: count }, String) } });
    expect(messages({ $and: [ids(maxFilterIds), { mime: 'image/png' }] })).toEqual([]);
    const tooMany = 'must have at most 1000 ids, all lists together';
    expect(messages(ids(maxFilterIds + 1))).toEqual([`filters.id.$in ${tooMany}`]);
    const half = ids(maxFilterIds / 2 + 1);
    expect(messages({ $or: [half, half] })[0]).toContain(tooMany);
    // Of folders, there are fewer.
    expect(messages({ folder: ids(200) })).toEqual([TOO_MANY]);
  });

  it('have up to 10 levels', () => {
    expect(messages(nested(10))).toEqual([]);
    expect(messages(nested(11))).toEqual([TOO_DEEP]);
  });

  it.each([
    ['wide', alternatives(100_000)],
    ['deep', nested(100_000)],
    ['wide at the top', Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [key, 1]))],
  ])('that are %s are still rejected', (_name, filters) => {
    expect(messages(filters)).toHaveLength(1);
    expect(searchBodySchema.safeParse({ text: 'a dog', filters }).success).toBe(false);
  });

  it.each(['toString', 'hasOwnProperty', 'constructor', 'valueOf'])(
    'have no key %s, on any level',
    (key) => {
      expect(messages({ [key]: 1 })).toEqual([`filters.${key} isn't a valid name in filters`]);
      expect(messages({ $or: [{ name: { [key]: 1 } }] })).toEqual([
        `filters.$or.0.name.${key} isn't a valid name in filters`,
      ]);
    },
  );

  it('have no key __proto__', () => {
    expect(messages(JSON.parse('{"__proto__":{"id":1}}'))).toEqual([
      "filters.__proto__ isn't a valid name in filters",
    ]);
  });

  it.each([
    [{ name: { $eq: { a: 1 } } }, 'filters.name.$eq must be a single value'],
    [{ name: { $contains: ['a'] } }, 'filters.name.$contains must be a single value'],
    [{ id: { $in: { a: 1 } } }, 'filters.id.$in must be a list of values'],
    [{ id: { $in: [{ a: 1 }] } }, 'filters.id.$in.0 must be a single value'],
    [{ id: [{ a: 1 }] }, 'filters.id.0 must be a single value'],
    [{ $or: 'a' }, 'filters.$or must be a list of filters'],
    [{ $and: [['a']] }, 'filters.$and.0 must be an object of filters'],
  ])('like %j are refused', (filters, message) => {
    expect(messages(filters)).toEqual([message]);
  });

  it.each([
    { name: { $eq: null, $in: ['a', null], $null: true } },
    { id: [1, 2], $not: { folder: { name: { $eqi: 'a' } } } },
    { $or: [{ id: 1 }, { $and: [{ id: { $between: [1, 2] } }] }] },
  ])('like %j are accepted', (filters) => {
    expect(messages(filters)).toEqual([]);
  });
});
