import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createImageSearch,
  type DuplicateResults,
  type ImageSearchRequestError,
  type RelatedEntries,
  type RelatedOptions,
  type SearchInput,
  type SearchOptions,
  type SearchResults,
  type Status,
  type TextSearchOptions,
  type VectorSpace,
} from '../../plugin/src/client';
import type { PublicDuplicatesResponse } from '../../plugin/src/contracts/duplicates';
import type { RelatedQuery, RelatedResponse } from '../../plugin/src/contracts/related';
import type { MonitoringResponse } from '../../plugin/src/contracts/monitoring';
import type {
  CommonSearchInput,
  EmbeddingResponse,
  SearchBody,
  SearchResponse,
  TextMatching,
} from '../../plugin/src/contracts/search';

/** The client's own types must hold what the contracts answer, and send nothing that they don't take. */
type Loose<Body> = Omit<Body, 'data'> & { data: unknown };
const heldTypes = {
  search: (answer: Loose<SearchResponse>): Loose<SearchResults> => answer,
  hit: (
    hit: Omit<SearchResponse['data'][number], 'file' | 'group'>,
  ): Omit<SearchResults['data'][number], 'file' | 'group'> => hit,
  duplicate: (
    pair: Omit<PublicDuplicatesResponse['data'][number], 'file'>,
  ): Omit<DuplicateResults['data'][number], 'file'> => pair,
  related: (answer: RelatedResponse): RelatedEntries => answer,
  relatedOptions: (name: Exclude<keyof RelatedOptions, 'signal'>): keyof RelatedQuery => name,
  space: (answer: EmbeddingResponse): { data: { space: VectorSpace } } => answer,
  status: (answer: MonitoringResponse['data']): Status => answer,
  options: (name: Exclude<keyof SearchOptions, 'signal'>): keyof CommonSearchInput => name,
  mode: (mode: NonNullable<TextSearchOptions['mode']>): NonNullable<TextMatching['mode']> => mode,
  weight: (weight: NonNullable<TextSearchOptions['weight']>): NonNullable<TextMatching['weight']> =>
    weight,
  input: (name: keyof SearchInput): keyof SearchBody => name,
};

const emptyPage = {
  data: [],
  meta: {
    pagination: { start: 0, limit: 25, hasMore: false },
    index: { space: null, indexed: 0, total: 0 },
    noCloseMatch: null,
  },
};

describe('the client', () => {
  let server: Server;
  let baseURL: string;
  const requests: {
    method: string;
    url: string;
    headers: IncomingMessage['headers'];
    body: string;
  }[] = [];
  let answers: { status: number; body?: unknown; headers?: Record<string, string> }[] = [];

  beforeAll(async () => {
    server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { headers, method = '', url = '' } = request;
        requests.push({ method, url, headers, body: String(Buffer.concat(chunks)) });
        const { status, body = emptyPage, headers: sent = {} } = answers.shift() ?? { status: 200 };
        response.writeHead(status, { 'content-type': 'application/json', ...sent });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    baseURL = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/api/`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    requests.length = 0;
    answers = [];
  });

  const refusal = (status: number, code: string) => ({
    status,
    body: {
      data: null,
      error: { status, name: 'E', message: `It is ${code}.`, details: { code } },
    },
  });

  it('asks for words in a query string, with nested parameters and its token', async () => {
    const images = createImageSearch({ baseURL, auth: 'token-1', headers: { 'x-from': 'test' } });
    await images.search('red & blue', {
      filters: { mime: { $in: ['image/png', 'image/webp'] } },
      pagination: { limit: 5 },
      unused: true,
    });
    const [request] = requests;
    const url = new URL(request?.url ?? '', baseURL);
    expect(request?.method).toBe('GET');
    expect(url.pathname).toBe('/api/image-search/search');
    expect([...url.searchParams]).toEqual([
      ['text', 'red & blue'],
      ['filters[mime][$in][0]', 'image/png'],
      ['filters[mime][$in][1]', 'image/webp'],
      ['pagination[limit]', '5'],
      ['unused', 'true'],
    ]);
    expect(request?.headers).toMatchObject({ authorization: 'Bearer token-1', 'x-from': 'test' });
  });

  it('sends examples and long filters as JSON, and images as a form', async () => {
    const images = createImageSearch({ baseURL });
    await images.search({ like: [42, 'on a beach'], unlike: ['people'] });
    const ids = Array.from({ length: 500 }, (_, index) => index);
    await images.search('beach', { filters: { id: { $in: ids } } });
    await images.search(
      { image: new Uint8Array([1, 2, 3]) },
      { pagination: { limit: 3 }, filters: { mime: 'image/png' } },
    );
    await images.embed({ image: { path: __filename } });
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/image-search/search',
      'POST /api/image-search/search',
      'POST /api/image-search/search',
      'POST /api/image-search/embeddings',
    ]);
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      like: [42, 'on a beach'],
      unlike: ['people'],
    });
    expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({ text: 'beach' });
    expect(requests[2]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(requests[2]?.body).toContain('name="pagination[limit]"\r\n\r\n3\r\n');
    expect(requests[2]?.body).toContain('name="filters[mime]"\r\n\r\nimage/png\r\n');
    expect(requests[2]?.body).toContain('name="image"; filename="image"');
    expect(requests[3]?.body).toContain('asks for words in a query string');
  });

  it('loses no filter: dates are sent, and an empty list is refused', async () => {
    const images = createImageSearch({ baseURL });
    const since = new Date('2026-01-02T03:04:05Z');
    await images.search('dog', { filters: { createdAt: { $gt: since } } });
    expect(decodeURIComponent(requests[0]?.url ?? '')).toContain(
      'filters[createdAt][$gt]=2026-01-02T03:04:05.000Z',
    );
    const image = new Uint8Array([1]);
    for (const query of ['dog', { image }]) {
      await expect(images.search(query, { filters: { id: { $in: [] } } })).rejects.toThrow(
        'filters[id][$in] is an empty list.',
      );
    }
    expect(requests).toHaveLength(1);
  });

  it('asks for similar images, duplicates and the status', async () => {
    const images = createImageSearch({ baseURL });
    await images.similar(7, { pagination: { limit: 4 } });
    const entry = { uid: 'api::article.article', documentId: 'abc', field: 'cover' };
    await images.related(entry, { populate: ['cover'], pagination: { pageSize: 3 } });
    await images.duplicates(7);
    await images.status();
    expect(requests.map(({ url }) => decodeURIComponent(url))).toEqual([
      '/api/image-search/similar/7?pagination[limit]=4',
      '/api/image-search/related/api::article.article/abc?field=cover&populate[0]=cover&pagination[pageSize]=3',
      '/api/image-search/duplicates/7',
      '/api/image-search/status',
    ]);
  });

  it('waits as told and tries again while the server is busy', async () => {
    answers = [
      { ...refusal(429, 'rate-limited'), headers: { 'retry-after': '0.01' } },
      { ...refusal(503, 'not-ready'), headers: { 'retry-after': '0.01' } },
      { status: 200 },
    ];
    await expect(createImageSearch({ baseURL }).search('dog')).resolves.toEqual(emptyPage);
    expect(requests).toHaveLength(3);
  });

  it('gives up when the wait is too long, the tries are used up, or waiting would not help', async () => {
    const images = createImageSearch({ baseURL, maxRetries: 1, maxWaitSeconds: 5 });
    answers = [{ ...refusal(503, 'not-ready'), headers: { 'retry-after': '60' } }];
    await expect(images.search('dog')).rejects.toMatchObject({
      status: 503,
      code: 'not-ready',
      retryAfterSeconds: 60,
    } satisfies Partial<ImageSearchRequestError>);
    expect(requests).toHaveLength(1);

    const soon = { ...refusal(429, 'rate-limited'), headers: { 'retry-after': '0.01' } };
    answers = [soon, soon];
    await expect(images.search('dog')).rejects.toMatchObject({ status: 429 });
    expect(requests).toHaveLength(3);

    answers = [refusal(404, 'file-not-found')];
    await expect(images.similar(9_999)).rejects.toMatchObject({
      message: 'It is file-not-found.',
      status: 404,
      code: 'file-not-found',
      retryAfterSeconds: null,
    } satisfies Partial<ImageSearchRequestError>);
  });

  it('says when a server is not Strapi', async () => {
    answers = [{ status: 404, body: 'nothing here' }];
    await expect(createImageSearch({ baseURL }).search('dog')).rejects.toThrow('Check baseURL');
  });

  it('stops when it is aborted, while it waits, too', async () => {
    const images = createImageSearch({ baseURL });
    await expect(images.search('dog', { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    expect(requests).toHaveLength(0);

    const abortion = new AbortController();
    answers = [{ ...refusal(503, 'not-ready'), headers: { 'retry-after': '9' } }];
    const search = images.search('dog', { signal: abortion.signal });
    server.once('request', (_request, response) => {
      (response as ServerResponse).once('finish', () => {
        abortion.abort();
      });
    });
    await expect(search).rejects.toThrow('aborted');
    expect(requests).toHaveLength(1);
  });

  it('makes addresses absolute, and takes a format if the file has it', () => {
    const images = createImageSearch({ baseURL: 'https://cms.example.com/api' });
    const file = {
      url: '/uploads/a.jpg',
      formats: { small: { url: '/uploads/small_a.jpg', width: 500, height: 300 } },
    };
    expect(images.urlOf(file)).toBe('https://cms.example.com/uploads/a.jpg');
    expect(images.urlOf(file, 'small')).toBe('https://cms.example.com/uploads/small_a.jpg');
    expect(images.urlOf(file, 'large')).toBe('https://cms.example.com/uploads/a.jpg');
    expect(images.urlOf({ url: 'https://cdn.example.com/a.jpg', formats: null })).toBe(
      'https://cdn.example.com/a.jpg',
    );
  });

  it('has types that hold the contracts', () => {
    expect(Object.keys(heldTypes)).toHaveLength(11);
  });
});
