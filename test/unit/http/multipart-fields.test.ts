import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { readSearchInput } from '../../../server/src/http/search-input';

const limits = { maxTextLength: 1_000, maxImageBytes: 1_000_000 };

/** As much of a multipart request without a file as reading it needs. */
function read(fields: Record<string, unknown>) {
  const context = { request: { body: fields }, query: {}, is: () => 'multipart' };
  return readSearchInput(context as unknown as Context, limits);
}

describe('fields of a multipart request', () => {
  it('nest by their brackets as deep as filters may be', async () => {
    const input = await read({
      text: 'a dog',
      'filters[$and][0][$or][0][$not][$and][0][mime][$eq]': 'image/png',
      'pagination[limit]': '3',
      'unlike[]': ['7', 'a cat'],
    });
    expect(input).toMatchObject({
      filters: { $and: [{ $or: [{ $not: { $and: [{ mime: { $eq: 'image/png' } }] } }] }] },
      pagination: { start: 0, limit: 3 },
      unlike: [
        { kind: 'file', fileId: 7 },
        { kind: 'text', text: 'a cat' },
      ],
    });
  });

  it('are short but for the picture', async () => {
    const picture = Buffer.alloc(90_000, 7);
    const { like } = await read({ image: picture.toString('base64') });
    expect(like).toEqual([{ kind: 'image', bytes: picture }]);
    for (const [name, value] of [
      ['text', 'x'.repeat(65_536)],
      ['filters', JSON.stringify({ name: 'x'.repeat(65_536) })],
      ['filters[name]', 'x'.repeat(65_536)],
      ['like', ['x'.repeat(40_000), 'x'.repeat(40_000)]],
    ] as const) {
      await expect(read({ fileId: '7', [name]: value })).rejects.toMatchObject({
        code: 'invalid-input',
        message: expect.stringMatching(
          new RegExp(`^${name.replace(/[[\]]/g, '\\$&')}: .*at most 65536`),
        ),
      });
    }
  });

  it('have short names, of which a refusal shows the start', async () => {
    const refused = read({ text: 'a dog', ['x'.repeat(100_000)]: '1' });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/^x{80}: /),
    });
  });
});
