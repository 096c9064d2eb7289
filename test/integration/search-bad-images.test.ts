import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { ErrorCode } from '../../plugin/src/errors';
import { renderSampleImage } from '../../sample/library';
import { createNoise, createPngBomb } from '../support/bad-images';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
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
let image: Buffer;

beforeAll(async () => {
  app = await startSearchApp({
    images: imagesOf(['dog', 'guitar', 'pizza']),
    imageSearch: { search: { requestsPerMinute: 0, maxImageBytes: MOST_IMAGE_BYTES } },
  });
  publicFace = contentApi(app);
  adminFace = await adminApi(app);
  image = await renderSampleImage(app.fileOf('guitar').image);
});

afterAll(async () => {
  await app.stop();
});

const faces: [string, () => SearchFace][] = [
  ['content API', () => publicFace],
  ['admin API', () => adminFace],
];

const refused = (message: RegExp) => ({ status: 400, code: 'invalid-input', message }) as const;

interface BadImage {
  bytes: () => Buffer | Promise<Buffer>;
  status: number;
  code: ErrorCode;
  message: RegExp;
}

const noImage = { status: 400, code: 'image-unreadable' } as const;
const tooLarge = { status: 413, code: 'image-too-large' } as const;

const badImages: Record<string, BadImage> = {
  'a text': {
    ...noImage,
    bytes: () => Buffer.from('This is no image.'),
    message: /image can't be read: the file isn't an image/,
  },
  'a cut-off image': {
    ...noImage,
    bytes: () => image.subarray(0, image.length / 2),
    message: /image can't be read: the file is .*truncated/,
  },
  'the start of an image': {
    ...noImage,
    bytes: () => image.subarray(0, 40),
    message: /image can't be read/,
  },
  'an image of 40,000 × 40,000 pixels in a kilobyte': {
    ...tooLarge,
    bytes: () => createPngBomb(40_000, 40_000),
    message: /image is too large: 40000 × 40000 pixels/,
  },
  'the start of a PDF document': {
    ...noImage,
    bytes: () => Buffer.from('%PDF-1.7\n%âãÏÓ\n'),
    message: /the PDF document is damaged/,
  },
  'more bytes than are allowed': {
    ...tooLarge,
    bytes: () => createNoise(900, 700),
    message: new RegExp(`image: has \\d+ bytes; at most ${String(MOST_IMAGE_BYTES)}`),
  },
};

describe.each(faces)('an image over the %s', (_name, face) => {
  it.each(Object.entries(badImages))('is not %s', async (_what, { bytes, ...expected }) => {
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
    expectFailure(response, { ...noImage, message: /the file is empty/ });
  });

  it('may be of any type that the library accepts, whatever its name', async () => {
    const svg = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"><circle cx="40" cy="30" r="25" fill="red"/></svg>',
    );
    for (const bytes of [
      await sharp(image).gif().toBuffer(),
      await sharp(image).avif({ effort: 0 }).toBuffer(),
      await sharp(image).tiff().toBuffer(),
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
    ['an address', 'https://example.com/image.png'],
    ['white space', ' \n '],
  ])('is not %s', async (_what, image) => {
    expectFailure(await face().post('search', { image }), refused(/^image: /));
    expectFailure(await publicFace.post('embeddings', { image }), refused(/^image: /));
  });

  it.each([[5], [null], [['aGFsbG8=']], [{ data: 'aGFsbG8=' }]])('is not %j', async (image) => {
    expectFailure(await face().post('search', { image }), refused(/^image: /));
  });

  it('may contain line breaks, and may be base64url', async () => {
    const base64 = image.toString('base64');
    const expected = await face().search({ image: base64 });
    const lines = base64.replace(/.{76}/g, '$&\r\n');
    const ofAddresses = base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    for (const image of [lines, ofAddresses, `data:image/jpeg;charset=utf-8;base64,${base64}`]) {
      expect(await face().search({ image })).toEqual(expected);
    }
  });
});

describe.each(faces)('a multipart request over the %s', (_name, face) => {
  it('may have a file without a content type, as requests.post in Python sends it', async () => {
    const boundary = 'd2fd0cd1a43c4ea9a5c5b0e0e3a3b3aa';
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="image"; filename="dog.jpg"\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), image, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    const response = await face()
      .post('search')
      .set('Content-Type', `multipart/form-data; boundary=${boundary}`)
      .send(body);
    const attached = await face().post('search').attach('image', image, 'dog.jpg');
    expect(readPage(response)).toEqual(readPage(attached));
  });

  it('may lack an image if it has another query', async () => {
    const response = await face().post('search').field('text', 'dog');
    expect(readPage(response)).toEqual(await face().searchText('dog'));
    const empty = await face().post('search').field('pagination[limit]', '2');
    expectFailure(empty, refused(/query is missing/));
  });

  it('has one image, in the known part', async () => {
    const post = () => face().post('search');
    const two = post().attach('image', image, 'a.jpg').attach('image', image, 'b.jpg');
    expectFailure(await two, refused(/image: must be a single file/));
    const other = post().attach('photo', image, 'a.jpg');
    expectFailure(await other, refused(/photo: unknown file part.* "image"/));
    const both = post().attach('image', image, 'a.jpg').attach('files', image, 'b.jpg');
    expectFailure(await both, refused(/files: unknown file part/));
    const withText = post().attach('image', image, 'a.jpg').field('text', 'dog');
    expectFailure(await withText, refused(/one of "text", "image"/));
    const withBase64 = post().attach('image', image, 'a.jpg').field('image', 'aGFsbG8=');
    expectFailure(await withBase64, refused(/one of "text", "image"/));
    const toEmbed = publicFace.post('embeddings').attach('image', image).field('text', 'dog');
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
  ])('with %s = %s is rejected', async (field, value, message) => {
    const response = await face()
      .post('search')
      .attach('image', image, 'a.jpg')
      .field(field, value);
    expectFailure(response, refused(message));
  });

  it('accepts fields in every form that JSON has', async () => {
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
    expectFailure(plain, refused(/^Content-Type "text\/plain" isn't supported/));
    const xml = await face().post('search').set('Content-Type', 'application/xml').send('<dog/>');
    expectFailure(xml, refused(/^Content-Type "application\/xml" isn't supported/));
    expectFailure(await face().post('search'), refused(/query is missing/));
  });

  /** Strapi's parser answers for itself, before any route: without a code of this product. */
  it('is JSON that Strapi can parse, of a size that Strapi accepts', async () => {
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
