import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { readSearchInput } from '../../../server/src/http/search-input';

const limits = { maxTextLength: 1_000, maxImageBytes: 1_000_000 };

/** Reads a multipart request with these fields and without a file. */
function read(fields: Record<string, string | readonly string[]>) {
  const parts = Object.entries(fields).flatMap(([name, values]) =>
    [values]
      .flat()
      .map((value) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  );
  return readForm([...parts, '--b--\r\n'].join(''));
}

function readForm(body: string | Buffer, type = 'multipart/form-data; boundary=b') {
  const context = {
    req: Readable.from([Buffer.from(body)]),
    query: {},
    querystring: '',
    get: (name: string) => (name === 'Content-Type' ? type : ''),
  };
  return readSearchInput(context as unknown as Context, limits);
}

describe('fields of a multipart request', () => {
  it('nest in brackets as deep as filters may', async () => {
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

  it('are short, except for the image', async () => {
    const image = Buffer.alloc(90_000, 7);
    const { like } = await read({ image: image.toString('base64') });
    expect(like).toEqual([{ kind: 'image', bytes: image }]);
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

  it('have short names, and errors show the start of longer ones', async () => {
    const refused = read({ text: 'a dog', ['x'.repeat(100_000)]: '1' });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/^x{80}…: /),
    });
  });
});

describe('a file in a multipart request', () => {
  const bytes = Buffer.from([0xff, 0xd8, 0x00, 0x0d, 0x0a, 0x2d, 0x2d, 0x80]);

  it.each([
    ['with its content type', '; filename="a.jpg"\r\nContent-Type: image/jpeg'],
    ['without a content type, as from requests.post in Python', '; filename="a.jpg"'],
    ['without a name', '\r\ncontent-type: application/octet-stream'],
    ['with a name in UTF-8', "; filename*=UTF-8''%C3%A4.jpg"],
    ['with quotes in its name', '; filename="a\\"b; name=c.jpg"'],
  ])('%s is read byte by byte', async (_what, rest) => {
    const head = `--b\r\nContent-Disposition: form-data; name="image"${rest}\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from('\r\n--b--\r\n')]);
    const { like } = await readForm(body);
    expect(like).toEqual([{ kind: 'image', bytes }]);
  });

  it.each(['', '--b', '--b\r\n', '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\na'])(
    'in a damaged form (%#) is refused',
    async (body) => {
      const expected = {
        code: 'invalid-input',
        message: expect.stringMatching(/^The multipart\/form-data body is damaged or incomplete/),
      };
      await expect(readForm(body)).rejects.toMatchObject(expected);
    },
  );

  it.each([
    '--b\r\n\r\n--b--',
    '--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--',
    `--b\r\nContent-Disposition: form-data; name="${'x'.repeat(200_000)}"\r\n\r\na\r\n--b--`,
    '--bc\r\n\r\n\r\n--b--',
  ])('is not found in parts without a name (%#)', async (body) => {
    await expect(readForm(body)).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it.each(['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/mixed; boundary=b'])(
    'in %j is refused',
    async (type) => {
      const expected = { code: 'invalid-input', message: expect.stringMatching(/^Content-Type: /) };
      await expect(readForm('--b--', type)).rejects.toMatchObject(expected);
    },
  );

  it('that is far too large is not read to its end', async () => {
    await expect(readForm(Buffer.alloc(4_000_000))).rejects.toMatchObject({
      code: 'image-too-large',
      message: expect.stringMatching(/^image: .*at most 1000000/),
    });
  });
});
