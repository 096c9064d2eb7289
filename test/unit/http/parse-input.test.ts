import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { z } from 'zod';
import { fileParametersSchema, parseInput, readQuery } from '../../../server/src/http/parse-input';

const schema = z.strictObject({ text: z.string('must be a text'), numbers: z.array(z.number()) });

describe('parseInput', () => {
  it('returns valid input', () => {
    expect(parseInput(schema, { text: 'dog', numbers: [1] })).toEqual({
      text: 'dog',
      numbers: [1],
    });
  });

  it('lists every error with its path', () => {
    expect(() => parseInput(schema, { numbers: [1, null] })).toThrow(
      expect.objectContaining({
        code: 'invalid-input',
        retryable: false,
        message: expect.stringMatching(/^text: must be a text; numbers\.1: [^;]+$/),
      }),
    );
  });

  it('lists the first of many errors', () => {
    const numbers = Array.from({ length: 1_000 }, () => null);
    expect(() => parseInput(schema, { text: 'dog', numbers })).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^numbers\.0: .*numbers\.19: [^;]+; and 980 more$/),
      }),
    );
  });

  it('says it once, in words of its own', () => {
    const limits = z.strictObject({
      id: z.int().min(1).max(5),
      name: z.string().max(3),
      list: z.array(z.boolean()).min(1),
      kind: z.enum(['one', 'two']),
      object: z.object({}),
      missing: z.number(),
    });
    const input = { id: 7, name: 'abcd', list: [], kind: 'three', object: [], more: 1 };
    expect(() => parseInput(limits, input)).toThrow(
      [
        'id: must be at most 5',
        'name: must have at most 3 characters',
        'list: must have at least 1 item',
        'kind: must be one of one, two',
        'object: must be an object',
        'missing: is required',
        'unknown key "more"',
      ].join('; '),
    );
    expect(() => parseInput(z.object({ score: z.number() }), { score: Infinity })).toThrow(
      /^score: must be a finite number$/,
    );
    expect(() => parseInput(fileParametersSchema, { id: '9'.repeat(30) })).toThrow(
      /^id: must be the numeric id of a file$/,
    );
  });
});

describe('readQuery', () => {
  it.each(['filters[toString]=1', 'a[b][__proto__]=1', 'constructor=1', 'a.hasOwnProperty=1'])(
    'refuses %s, which the parser drops',
    (querystring) => {
      expect(() => readQuery({ querystring, query: {} } as unknown as Context)).toThrow(
        expect.objectContaining({ code: 'invalid-input' }),
      );
    },
  );

  it('accepts the rest', () => {
    const query = { text: 'toString', filters: { name: 'constructor' } };
    const querystring = 'text=toString&filters[name]=constructor';
    expect(readQuery({ querystring, query } as unknown as Context)).toBe(query);
  });
});
