import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import {
  expectFetchFailure,
  fetchFrom,
  image,
  secret,
  setUpDownloads,
} from '../../support/downloads';

const downloads = setUpDownloads();

describe('fetchBytes', () => {
  it('returns the bytes', async () => {
    const bytes = await fetchFrom(downloads.open, `${downloads.server.origin}/image?${secret}`);
    expect(Buffer.from(bytes)).toEqual(image);
    expect(downloads.server.requests).toEqual([`/image?${secret}`]);
  });

  it('returns the stored bytes without decompressing them', async () => {
    const packed = gzipSync(image);
    downloads.server.on('/packed', (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
    });
    expect(
      Buffer.from(await fetchFrom(downloads.open, `${downloads.server.origin}/packed`)),
    ).toEqual(packed);
  });

  it('returns no bytes for an empty file', async () => {
    downloads.server.on('/empty', (_request, response) => response.end());
    expect(await fetchFrom(downloads.open, `${downloads.server.origin}/empty`)).toHaveLength(0);
  });

  it.each(['http://', 'not a url', '', '/image', 'http://[::1', 'http://a b/'])(
    "rejects %j, which isn't a URL",
    async (address) => {
      await expectFetchFailure(fetchFrom(downloads.open, address), 'refused');
    },
  );

  it.each([
    'ftp://example.com/a',
    'file:///etc/passwd',
    'data:image/png;base64,AA==',
    'gopher://a/',
  ])('rejects %j, which is neither http nor https', async (address) => {
    await expectFetchFailure(fetchFrom(downloads.open, address), 'refused');
  });
});

describe('the limit on bytes', () => {
  const large = Buffer.alloc(200_000, 1);

  it.each([
    ['with its length', { 'content-length': String(large.length) }],
    ['without its length', { 'transfer-encoding': 'chunked' }],
  ])('stops reading a body %s', async (_name, headers) => {
    downloads.server.on('/large', (_request, response) =>
      response.writeHead(200, headers).end(large),
    );
    const url = `${downloads.server.origin}/large?${secret}`;
    await expectFetchFailure(
      fetchFrom(downloads.open, url, { maxBytes: large.length - 1 }),
      'too-large',
    );
    const bytes = await fetchFrom(downloads.open, url, { maxBytes: large.length });
    expect(bytes).toHaveLength(large.length);
  });

  it('stops reading a body that never ends', async () => {
    downloads.server.on('/endless', (_request, response) => {
      const pour = (): void => {
        while (response.write(large));
      };
      response.on('drain', pour);
      pour();
    });
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/endless`),
      'too-large',
    );
  });
});

describe('an unsuccessful response', () => {
  it.each([
    [404, 'missing'],
    [410, 'missing'],
    [401, 'forbidden'],
    [403, 'forbidden'],
    [429, 'unreachable'],
    [500, 'unreachable'],
    [503, 'unreachable'],
  ] as const)('with status %i is %s', async (status, failure) => {
    downloads.server.on('/bad', (_request, response) => response.writeHead(status).end(secret));
    const message = await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/bad?${secret}`),
      failure,
    );
    expect(message).toContain(String(status));
  });

  it('is unreachable when nothing listens, and its message has the error code', async () => {
    const { origin } = downloads.server;
    await downloads.server.close();
    const message = await expectFetchFailure(
      fetchFrom(downloads.open, `${origin}/image?${secret}`),
      'unreachable',
    );
    expect(message).toContain('ECONNREFUSED');
  });

  it('is unreachable when the host name is unknown', async () => {
    await expectFetchFailure(
      fetchFrom(downloads.guarded, 'http://no-such-host.invalid/image'),
      'unreachable',
    );
  });

  it('is unreachable when the connection breaks in the middle', async () => {
    downloads.server.on('/broken', (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/broken`),
      'unreachable',
    );
  });

  it.each([
    ['no headers', () => undefined],
    [
      'no end of its body',
      (response: { writeHead(status: number): unknown; write(text: string): unknown }) => {
        response.writeHead(200);
        response.write('some');
      },
    ],
  ])('is unreachable if it sends %s in time', async (_name, answer) => {
    downloads.server.on('/slow', (_request, response) => {
      answer(response);
    });
    const message = await expectFetchFailure(
      fetchFrom(downloads.open, `${downloads.server.origin}/slow?${secret}`, { timeoutMs: 50 }),
      'unreachable',
    );
    expect(message).toContain('0.05 s');
  });
});

describe('an abort', () => {
  it('beforehand sends no request', async () => {
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(
      fetchFrom(downloads.open, `${downloads.server.origin}/image`, { signal }),
    ).rejects.toBe(reason);
    expect(downloads.server.requests).toEqual([]);
  });

  it.each(['before the headers', 'within the body'])('%s ends the download', async (moment) => {
    const reason = new Error('enough');
    const controller = new AbortController();
    downloads.server.on('/slow', (_request, response) => {
      if (moment === 'within the body') {
        response.writeHead(200);
        response.write('some');
      }
      controller.abort(reason);
    });
    const { signal } = controller;
    await expect(
      fetchFrom(downloads.open, `${downloads.server.origin}/slow`, { signal }),
    ).rejects.toBe(reason);
  });
});
