import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { embeddingResponseSchema } from '../../plugin/src/contracts/search';
import { renderSampleImage } from '../../sample/library';
import { createPngBomb } from '../support/bad-images';
import { startByteServer, type Answer, type ByteServer } from '../support/byte-server';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi, expectFailure, idsOf, readPage } from '../support/search-face';
import type { SearchFace } from '../support/search-face';

/** Plays the public internet: its host is listed. */
const LISTED = '127.0.0.1';
/** Another address of this machine, which is not. */
const PRIVATE = '127.0.0.2';
const images = imagesOf(['dog', 'guitar', 'pizza', 'rose']);
const secret = 'hunter2';
const unreachable = { status: 400, code: 'url-unreachable', message: /^url: no image/ } as const;

let app: SearchApp;
let web: ByteServer;
let inside: ByteServer;

beforeEach(async () => {
  web = await startByteServer({ host: LISTED });
  inside = await startByteServer({ host: PRIVATE });
});

afterEach(async () => {
  jest.restoreAllMocks();
  await web.close();
  await inside.close();
});

function sendAs(type: string, bytes: Uint8Array, headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': type, ...headers }).end(bytes);
  };
}

function redirectTo(location: string): Answer {
  return (_request, response) => {
    response.writeHead(302, { location }).end(secret);
  };
}

/** A server that begins an answer and leaves it there; returns when it was asked and when it was left. */
function stall(path: string): { asked: Promise<void>; left: Promise<void> } {
  const events = new EventEmitter();
  web.on(path, (_request, response) => {
    response.once('close', () => events.emit('left'));
    response.writeHead(200, { 'content-type': 'image/png' });
    response.write('some', () => events.emit('asked'));
  });
  return {
    asked: once(events, 'asked').then(() => undefined),
    left: once(events, 'left').then(() => undefined),
  };
}

describe('a search by URL', () => {
  let publicFace: SearchFace;
  let adminFace: SearchFace;
  let guitar: Buffer;

  beforeAll(async () => {
    app = await startSearchApp({
      images,
      imageSearch: {
        search: {
          requestsPerMinute: 0,
          maxImageBytes: 1_000_000,
          urls: { enabled: true, allowedHosts: [LISTED] },
        },
      },
    });
    publicFace = contentApi(app);
    adminFace = await adminApi(app);
    guitar = await renderSampleImage(app.fileOf('guitar').image);
  });
  afterAll(() => app.stop());

  const faces: [string, () => SearchFace][] = [
    ['content API', () => publicFace],
    ['admin API', () => adminFace],
  ];
  const unreachable = {
    status: 400,
    code: 'url-unreachable',
    message: /^url: no image/,
  } as const;

  it.each(faces)('finds what is like the image there, over the %s', async (_name, face) => {
    web.on('/guitar', sendAs('image/jpeg', guitar));
    web.on('/old', redirectTo('/guitar'));
    const byImage = await face().search({ image: guitar.toString('base64') });
    expect(idsOf(byImage)[0]).toBe(app.fileOf('guitar').id);
    const url = `${web.origin}/guitar?${secret}`;
    expect(await face().search({ url })).toEqual(byImage);
    expect(await face().search({ url: `${web.origin}/old` })).toEqual(byImage);
    expect(readPage(await face().post('search').field('url', url))).toEqual(byImage);
    const filtered = await face().search({ url, orientation: 'square', like: ['music'] });
    expect(filtered.data.length).toBeGreaterThan(0);
  });

  it('returns the vector of its image', async () => {
    web.on('/guitar', sendAs('application/octet-stream', guitar));
    const vectorOf = async (body: object) =>
      embeddingResponseSchema.parse((await publicFace.post('embeddings', body)).body).data;
    expect(await vectorOf({ url: `${web.origin}/guitar` })).toEqual(
      await vectorOf({ image: guitar.toString('base64') }),
    );
  });

  it('stores nothing of it', async () => {
    web.on('/guitar', sendAs('image/jpeg', guitar));
    const count = () => app.strapi.db.query('plugin::upload.file').count();
    const before = await count();
    for (let time = 0; time < 2; time += 1)
      await publicFace.search({ url: `${web.origin}/guitar` });
    expect(await count()).toBe(before);
    // Not even for the next search.
    expect(web.requests).toEqual(['/guitar', '/guitar']);
  });

  it.each(faces)(
    'tells nothing of what is inside, nor of what is not there, over the %s',
    async (_name, face) => {
      inside.on('/image', sendAs('image/jpeg', guitar));
      const { port } = inside;
      const places = [
        inside.origin,
        `http://2130706434:${String(port)}`,
        `http://0x7f.2:${String(port)}`,
        `http://0177.0.0.2:${String(port)}`,
        `http://127.2:${String(port)}`,
        `http://[::ffff:127.0.0.2]:${String(port)}`,
        'http://[::1]',
        'http://[fe80::1]',
        'http://[fc00::1]',
        'http://[64:ff9b::7f00:2]',
        'http://10.0.0.1',
        'http://169.254.169.254',
        'http://93.184.215.14:22',
      ];
      const answers: object[] = [];
      for (const place of places) {
        const url = `${place}/image`;
        web.on('/old', redirectTo(url));
        for (const asked of [url, `${web.origin}/old`]) {
          const response = await face().post('search', { url: asked });
          expectFailure(response, unreachable);
          answers.push(response.body as object);
        }
      }
      web.on('/broken', (_request, response) => response.destroy());
      web.on('/error', (_request, response) => response.writeHead(500).end(secret));
      for (const url of [`${web.origin}/broken`, `${web.origin}/error`, `${web.origin}/none`]) {
        answers.push((await face().post('search', { url })).body as object);
      }
      // No one listens there.
      answers.push((await face().post('search', { url: `http://${LISTED}:1/` })).body as object);
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(JSON.stringify(answers)).not.toContain(secret);
      expect(inside.requests).toEqual([]);
    },
  );

  it.each(faces)('is refused by its form over the %s', async (_name, face) => {
    for (const url of [
      '',
      'image.png',
      'ftp://example.com/image.png',
      'file:///etc/passwd',
      'data:image/png;base64,AAAA',
      'javascript:alert(1)',
      `http://name:password@${LISTED}/image.png`,
      `https://example.com/${'x'.repeat(2_048)}`,
    ]) {
      const response = await face().post('search', { url });
      expectFailure(response, { status: 400, code: 'invalid-input', message: /^url: must / });
    }
    const both = await face().post('search', { url: `${web.origin}/a`, text: 'dog' });
    expectFailure(both, { status: 400, code: 'invalid-input', message: /one of .*"url"/ });
    expect(web.requests).toEqual([]);
  });

  it('is rejected for anything but an image, or for one that is too large', async () => {
    const html = sendAs('text/html', Buffer.from(secret));
    const noise = Buffer.alloc(1_000_001, 7);
    const cases: [Answer, { status: number; code: string }][] = [
      [html, { status: 415, code: 'image-unsupported' }],
      [sendAs('image/png', Buffer.from(secret)), { status: 400, code: 'image-unreadable' }],
      [sendAs('image/png', Buffer.alloc(0)), { status: 400, code: 'image-unreadable' }],
      [sendAs('image/png', noise), { status: 413, code: 'image-too-large' }],
      [
        sendAs('image/png', createPngBomb(40_000, 40_000)),
        { status: 413, code: 'image-too-large' },
      ],
      [
        sendAs('image/png', gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
        { status: 400, code: 'image-unreadable' },
      ],
    ];
    for (const [answer, expected] of cases) {
      web.on('/bad', answer);
      const response = await publicFace.post('search', { url: `${web.origin}/bad` });
      expect(response.body).toMatchObject({ error: { details: { code: expected.code } } });
      expect(response.status).toBe(expected.status);
      expect(JSON.stringify(response.body)).not.toContain(secret);
    }
  });

  it('ends when a body never does', async () => {
    web.on('/endless', (_request, response) => {
      const pour = (): void => {
        while (response.write(Buffer.alloc(100_000)));
      };
      response.on('drain', pour);
      pour();
    });
    const response = await publicFace.post('search', { url: `${web.origin}/endless` });
    expectFailure(response, { status: 413, code: 'image-too-large', message: /^url: / });
  });

  it.each(['/api/image-search', '/image-search'])('stops with its caller (%s)', async (prefix) => {
    const logged = jest.spyOn(app.strapi.log, 'error');
    const { asked, left } = stall('/stalled');
    const token = await app.adminToken();
    const request = http.request(`${app.url}${prefix}/search`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(prefix.startsWith('/api') ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    request.on('error', () => undefined);
    request.end(JSON.stringify({ url: `${web.origin}/stalled` }));
    await asked;
    request.destroy();
    await left;
    expect(logged).not.toHaveBeenCalled();
  });
});

describe('searches by URL', () => {
  beforeAll(async () => {
    app = await startSearchApp({
      images: images.slice(0, 1),
      imageSearch: {
        search: {
          requestsPerMinute: 2,
          urls: { enabled: true, allowedHosts: [LISTED], concurrency: 1, timeoutSeconds: 3 },
        },
      },
    });
  });
  afterAll(() => app.stop());

  it('are limited like all requests', async () => {
    const search = () => contentApi(app).post('search', { url: `${web.origin}/none` });
    expect([(await search()).status, (await search()).status, (await search()).status]).toEqual([
      400, 400, 429,
    ]);
    expect(web.requests).toHaveLength(2);
  });

  it("don't pile up behind a slow server, which has a time limit", async () => {
    const { asked } = stall('/stalled');
    const face = await adminApi(app);
    const search = async (path: string) =>
      await face.post('search', { url: `${web.origin}${path}` });
    const slow = search('/stalled');
    await asked;
    const others = await Promise.all(Array.from({ length: 6 }, () => search('/none')));
    expectFailure(await slow, unreachable);
    const refused = others.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(2);
    for (const response of refused) {
      expectFailure(response, {
        status: 429,
        code: 'rate-limited',
        message: /Too many image searches/,
      });
      expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    const waited = others.filter(({ status }) => status !== 429);
    for (const response of waited) expectFailure(response, unreachable);
    expect(web.requests).toEqual(['/stalled', '/none', '/none', '/none', '/none']);
  });
});
