import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { renderSamplePicture } from '../../sample/library';
import type { ErrorCode } from '../../plugin/src/errors';
import { createNoise, createPngBomb } from '../support/bad-pictures';
import { picturesOf, startSearchApp, type SearchApp } from '../support/search-app';
import {
  adminApi,
  contentApi,
  expectFailure,
  readPage,
  type SearchFace,
} from '../support/search-face';

const MOST_IMAGE_BYTES = 300_000;

let app: SearchApp;
let publicFace: SearchFace;
let adminFace: SearchFace;
let picture: Buffer;

beforeAll(async () => {
  app = await startSearchApp({
    pictures: picturesOf(['dog', 'guitar', 'pizza']),
    imageSearch: { search: { requestsPerMinute: 0, maxImageBytes: MOST_IMAGE_BYTES } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
  picture = await renderSamplePicture(app.fileOf('guitar').picture);
});

afterAll(async () => {
  await app.stop();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

const refused = (message: RegExp) => ({ status: 400, code: 'invalid-input', message }) as const;

interface BadPicture {
  bytes: () => Buffer | Promise<Buffer>;
  status: number;
  code: ErrorCode;
  message: RegExp;
}

const noPicture = { status: 400, code: 'image-unreadable' } as const;
const tooLarge = { status: 413, code: 'image-too-large' } as const;

const badPictures: Record<string, BadPicture> = {
  'a text': {
    ...noPicture,
    bytes: () => Buffer.from('This is no picture.'),
    message: /picture cannot be read: its file is no picture/,
  },
  'a cut-off picture': {
    ...noPicture,
    bytes: () => picture.subarray(0, picture.length / 2),
    message: /picture cannot be read: its file is .*truncated/,
  },
  'the start of a picture': {
    ...noPicture,
    bytes: () => picture.subarray(0, 40),
    message: /picture cannot be read/,
  },
  'a picture of 40,000 × 40,000 pixels in a kilobyte': {
    ...tooLarge,
    bytes: () => createPngBomb(40_000, 40_000),
    message: /picture is too large: it has 40000 × 40000 pixels/,
  },
  'a PDF': {
    status: 415,
    code: 'image-unsupported',
    bytes: () => Buffer.from('%PDF-1.7\n%âãÏÓ\n'),
    message: /picture cannot be read: this server does not decode PDF/,
  },
  'more bytes than are allowed': {
    ...tooLarge,
    bytes: () => createNoise(900, 700),
    message: new RegExp(`image: has \\d+ bytes; at most ${String(MOST_IMAGE_BYTES)}`),
  },
};

describe.each(faces)('a picture over the %s', (_name, face) => {
  it.each(Object.entries(badPictures))('is not %s', async (_what, { bytes, ...expected }) => {
    const content = await bytes();
    const inPart = await face().post('search').attach('image', content, 'query.png');
    expectFailure(inPart, expected);
    const inText = await face().post('search', { image: content.toString('base64') });
    expectFailure(inText, expected);
    const toEmbed = await publicFace.post('embeddings').attach('image', content, 'query.png');
    expectFailure(toEmbed, expected);
  });

  it('has bytes', async () => {
    const response = await face().post('search').attach('image', Buffer.alloc(0), 'query.png');
    expectFailure(response, { ...noPicture, message: /its file is empty/ });
  });

  it('may be of any kind that the library takes, whatever it is called', async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"><circle cx="40" cy="30" r="25" fill="red"/></svg>',
    );
    for (const bytes of [
      await sharp(picture).gif().toBuffer(),
      await sharp(picture).avif({ effort: 0 }).toBuffer(),
      await sharp(picture).tiff().toBuffer(),
      await sharp({ create: { width: 1, height: 1, channels: 4, background: '#0000' } })
        .png()
        .toBuffer(),
      svg,
    ]) {
      const part = face().post('search').attach('image', bytes, '../../etc/passwd.txt');
      expect(readPage(await part).data).toHaveLength(3);
      expect((await face().search({ image: bytes.toString('base64') })).data).toHaveLength(3);
    }
  });

  it.each([
    ['nothing', ''],
    ['a data URL of nothing', 'data:image/png;base64,'],
    ['a data URL of a text', 'data:text/plain;base64,aGFsbG8='],
    ['a data URL that is not in base64', 'data:image/svg+xml,%3Csvg/%3E'],
    ['no base64', '¡hola!'],
    ['base64 that was cut and mended', 'aGFs=bG8='],
    ['an address', 'https://example.com/picture.png'],
    ['white space', ' \n '],
  ])('is not %s', async (_what, image) => {
    expectFailure(await face().post('search', { image }), refused(/^image: /));
    expectFailure(await publicFace.post('embeddings', { image }), refused(/^image: /));
  });

  it.each([[5], [null], [['aGFsbG8=']], [{ data: 'aGFsbG8=' }]])('is not %j', async (image) => {
    expectFailure(await face().post('search', { image }), refused(/^image: /));
  });

  it('may be broken into lines, and in the base64 of addresses', async () => {
    const base64 = picture.toString('base64');
    const expected = await face().search({ image: base64 });
    const lines = base64.replace(/.{76}/g, '$&\r\n');
    const ofAddresses = base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    for (const image of [lines, ofAddresses, `data:image/jpeg;charset=utf-8;base64,${base64}`]) {
      expect(await face().search({ image })).toEqual(expected);
    }
  });
});

describe.each(faces)('a multipart request over the %s', (_name, face) => {
  it('may do without a picture when it asks for something else', async () => {
    const response = await face().post('search').field('text', 'dog');
    expect(readPage(response)).toEqual(await face().searchText('dog'));
    const empty = await face().post('search').field('pagination[limit]', '2');
    expectFailure(empty, refused(/something to look for/));
  });

  it('brings one picture, in the part that is known', async () => {
    const post = () => face().post('search');
    const two = post().attach('image', picture, 'a.jpg').attach('image', picture, 'b.jpg');
    expectFailure(await two, refused(/image: must be one file/));
    const other = post().attach('picture', picture, 'a.jpg');
    expectFailure(await other, refused(/picture: is not a file part.* "image"/));
    const both = post().attach('image', picture, 'a.jpg').attach('files', picture, 'b.jpg');
    expectFailure(await both, refused(/files: is not a file part/));
    const withText = post().attach('image', picture, 'a.jpg').field('text', 'dog');
    expectFailure(await withText, refused(/one of "text", "image"/));
    const withBase64 = post().attach('image', picture, 'a.jpg').field('image', 'aGFsbG8=');
    expectFailure(await withBase64, refused(/one of "text", "image"/));
    const toEmbed = publicFace.post('embeddings').attach('image', picture).field('text', 'dog');
    expectFailure(await toEmbed, refused(/one of "text", "image" and "url"/));
  });

  it.each([
    ['fileId', 'abc', /fileId: must be JSON/],
    ['filters', '{ "mime": ', /filters: must be JSON/],
    ['filters', '[]', /filters/],
    ['pagination', '5', /pagination/],
    ['vector', '[0.1, "abc"]', /vector/],
    ['minScore', 'abc', /minScore/],
    ['populate', '*', /populate/],
    ['url', 'http://127.0.0.1', /url/],
  ])('with %s = %s is refused', async (field, value, message) => {
    const response = await face()
      .post('search')
      .attach('image', picture, 'a.jpg')
      .field(field, value);
    expectFailure(response, refused(message));
  });

  it('asks with fields in every form that JSON can', async () => {
    const { id } = app.fileOf('dog');
    const asJson = await face().search({ fileId: id, unlike: ['cat'], minScore: -1 });
    const response = await face()
      .post('search')
      .field('fileId', String(id))
      .field('unlike', '["cat"]')
      .field('minScore', '-1');
    expect(readPage(response)).toEqual(asJson);
  });
});

describe.each(faces)('a body over the %s', (_name, face) => {
  it('is an object', async () => {
    expectFailure(await face().post('search', []), refused(/body must be a JSON object/));
    expectFailure(
      await face().post('search', [{ text: 'dog' }]),
      refused(/body must be a JSON object/),
    );
    const plain = await face().post('search').set('Content-Type', 'text/plain').send('dog');
    expectFailure(plain, refused(/body must be a JSON object or multipart/));
    const xml = await face().post('search').set('Content-Type', 'application/xml').send('<dog/>');
    expectFailure(xml, refused(/something to look for/));
    expectFailure(await face().post('search'), refused(/something to look for/));
  });

  /** Strapi's parser answers for itself, before any route: without a code of this product. */
  it('is JSON that Strapi can parse, of a size that Strapi takes', async () => {
    const post = () => face().post('search').set('Content-Type', 'application/json');
    for (const body of ['{ "text": ', 'null', '"dog"', '{ "text": "dog", "__proto__": {} }']) {
      const response = await post().send(body);
      expect(response.status).toBe(400);
      expect(response.body).toMatchObject({ data: null, error: { status: 400 } });
    }
    const large = await post().send(JSON.stringify({ image: 'a'.repeat(2_000_000) }));
    expect(large.status).toBe(413);
    expect(large.body).toMatchObject({ data: null, error: { status: 413 } });
  });
});
