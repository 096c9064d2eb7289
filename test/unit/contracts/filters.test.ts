import { describe, expect, it } from '@jest/globals';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import { searchBodySchema, similarQuerySchema } from '../../../plugin/src/contracts/search';

function messages(filters: unknown): string[] {
  const { error } = similarQuerySchema.safeParse({ filters });
  return (error?.issues ?? []).map(
    ({ path, message }) => `${path.map(String).join('.')} ${message}`,
  );
}

/** Filters that nest as many objects in each other. */
function nested(levels: number): object {
  let filters: object = {};
  for (let level = 0; level < levels; level += 1) filters = { $not: filters };
  return filters;
}

/** `$or`, its conditions, and their one key. */
const alternatives = (count: number): object => ({
  $or: Array.from({ length: count }, (_, index) => ({ id: index })),
});

const TOO_MANY = 'filters must have at most 200 keys and list items, all levels together';
const TOO_DEEP = 'filters must have at most 10 levels';

describe('filters', () => {
  it('have up to 200 keys and list items', () => {
    const { maxFilterNodes } = apiLimits;
    expect(messages({ id: { $in: Array.from({ length: maxFilterNodes - 2 }, String) } })).toEqual(
      [],
    );
    expect(messages({ id: { $in: Array.from({ length: maxFilterNodes - 1 }, String) } })).toEqual([
      TOO_MANY,
    ]);
    expect(messages(alternatives(99))).toEqual([]);
    expect(messages(alternatives(100))).toEqual([TOO_MANY]);
  });

  it('have up to 10 levels', () => {
    expect(messages(nested(10))).toEqual([]);
    expect(messages(nested(11))).toEqual([TOO_DEEP]);
  });

  it.each([
    ['wide', alternatives(100_000)],
    ['deep', nested(100_000)],
    ['wide at the top', Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [key, 1]))],
  ])('that are %s are refused all the same', (_name, filters) => {
    expect(messages(filters)).toHaveLength(1);
    expect(searchBodySchema.safeParse({ text: 'a dog', filters }).success).toBe(false);
  });
});
