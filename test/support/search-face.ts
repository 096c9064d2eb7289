import { expect } from '@jest/globals';
import type { Response, Test } from 'supertest';
import { z } from 'zod';
import { searchResponseSchema, type SearchResponse } from '../../plugin/src/contracts/search';
import type { ErrorCode } from '../../plugin/src/errors';
import type { AdminCredentials, StrapiClient } from './strapi-client';

type Json = Record<string, unknown>;

/** One of the two HTTP faces of image search as one caller sees it. */
export interface SearchFace {
  readonly name: string;
  get(path: string, query?: Json): Test;
  post(path: string, body?: object | string): Test;
  /** `GET search`, which must succeed. */
  searchText(text: string, query?: Json): Promise<SearchResponse>;
  /** `POST search`, which must succeed. */
  search(body: Json): Promise<SearchResponse>;
  /** `GET similar/:id`, which must succeed. */
  similar(fileId: number, query?: Json): Promise<SearchResponse>;
}

/** The content API; without an API token or a user's token it is everybody's. */
export function contentApi({ request }: StrapiClient, token?: string): SearchFace {
  return createFace('content API', '/api/image-search', request, token);
}

/** The admin API as the super administrator or another account. */
export async function adminApi(
  client: StrapiClient,
  credentials?: AdminCredentials,
): Promise<SearchFace> {
  const token = await client.adminToken(credentials);
  return createFace('admin API', '/image-search', client.request, token);
}

function createFace(
  name: string,
  prefix: string,
  request: StrapiClient['request'],
  token: string | undefined,
): SearchFace {
  const authorized = (test: Test): Test =>
    token === undefined ? test : test.auth(token, { type: 'bearer' });
  const get = (path: string, query: Json = {}): Test =>
    authorized(request.get(`${prefix}/${path}`).query(query));
  const post = (path: string, body?: object | string): Test => {
    const test = authorized(request.post(`${prefix}/${path}`));
    return body === undefined ? test : test.send(body);
  };
  return {
    name,
    get,
    post,
    searchText: async (text, query = {}) => readPage(await get('search', { text, ...query })),
    search: async (body) => readPage(await post('search', body)),
    similar: async (fileId, query) => readPage(await get(`similar/${String(fileId)}`, query)),
  };
}

/** The body of a search that succeeded, held against the published shape: no key is missing, none is added. */
export function readPage({ status, body }: Response): SearchResponse {
  if (status !== 200) {
    throw new Error(`The search answered ${String(status)}: ${JSON.stringify(body)}`);
  }
  const page = searchResponseSchema.parse(body);
  expect(body).toEqual(page);
  return page;
}

export function idsOf({ data }: SearchResponse): number[] {
  return data.map(({ file }) => file.id);
}

export function scoresOf({ data }: SearchResponse): number[] {
  return data.flatMap(({ score }) => (score === null ? [] : [score]));
}

const failureSchema = z.strictObject({
  data: z.null(),
  error: z.strictObject({
    status: z.number(),
    name: z.string().min(1),
    message: z.string().min(1),
    details: z.looseObject({ code: z.string() }),
  }),
});

/** Holds a refusal against Strapi's error shape; `message` names what was wrong. */
export function expectFailure(
  response: Response,
  expected: { status: number; code: ErrorCode; message?: RegExp },
): void {
  const { status, code, message = /./ } = expected;
  expect({ status: response.status, body: response.body as unknown }).toMatchObject({
    status,
    body: { error: { status, details: { code } } },
  });
  expect(failureSchema.parse(response.body).error.message).toMatch(message);
}
