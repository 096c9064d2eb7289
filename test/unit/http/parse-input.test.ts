import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { parseInput } from '../../../server/src/http/parse-input';

const schema = z.strictObject({ text: z.string('must be a text'), numbers: z.array(z.number()) });

describe('parseInput', () => {
  it('answers what was sent when it is right', () => {
    expect(parseInput(schema, { text: 'dog', numbers: [1] })).toEqual({
      text: 'dog',
      numbers: [1],
    });
  });

  it('names every fault and where it is', () => {
    expect(() => parseInput(schema, { numbers: [1, null] })).toThrow(
      expect.objectContaining({
        code: 'invalid-input',
        retryable: false,
        message: expect.stringMatching(/^text: must be a text; numbers\.1: [^;]+$/),
      }),
    );
  });

  it('tells the first of very many faults', () => {
    const numbers = Array.from({ length: 1_000 }, () => null);
    expect(() => parseInput(schema, { text: 'dog', numbers })).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^numbers\.0: .*numbers\.19: [^;]+; and 980 more$/),
      }),
    );
  });
});
