import { getFetchClient, type FetchResponse } from '@strapi/strapi/admin';
import type * as z from 'zod';
import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';
import { toApiFailure, unknownAnswer } from './failure';

export interface ApiRequest<Schema extends z.ZodType> {
  /** Of the answer's body. */
  schema: Schema;
  /** Of the address; undefined ones are left out. */
  query?: Record<string, string | number | undefined>;
  signal?: AbortSignal;
}

export interface ApiSending<Schema extends z.ZodType> extends ApiRequest<Schema> {
  /** JSON, or a form. */
  body?: object;
}

/**
 * Requests to this plugin's admin API; `path` begins with a slash and comes after the plugin's id. All reject with an
 * `ApiFailure`, or with the `AbortError` of their signal.
 */
export const pluginApi = {
  get: <Schema extends z.ZodType>(path: string, request: ApiRequest<Schema>) =>
    get(`/${PLUGIN_ID}${path}`, request),
  post: <Schema extends z.ZodType>(path: string, request: ApiSending<Schema>) =>
    post(`/${PLUGIN_ID}${path}`, request),
  delete: <Schema extends z.ZodType>(path: string, { schema, query, signal }: ApiRequest<Schema>) =>
    answered(schema, () =>
      getFetchClient().del(addressOf(`/${PLUGIN_ID}${path}`, query), { ...(signal && { signal }) }),
    ),
};

/** The same to the admin API of Strapi and of its other plugins. */
export const strapiApi = { get, post };

function get<Schema extends z.ZodType>(
  path: string,
  { schema, query, signal }: ApiRequest<Schema>,
): Promise<z.output<Schema>> {
  return answered(schema, () =>
    getFetchClient().get(addressOf(path, query), { ...(signal && { signal }) }),
  );
}

function post<Schema extends z.ZodType>(
  path: string,
  { schema, query, body, signal }: ApiSending<Schema>,
): Promise<z.output<Schema>> {
  return answered(schema, () =>
    getFetchClient().post(addressOf(path, query), body, { ...(signal && { signal }) }),
  );
}

async function answered<Schema extends z.ZodType>(
  schema: Schema,
  request: () => Promise<FetchResponse>,
): Promise<z.output<Schema>> {
  let data: unknown;
  try {
    ({ data } = await request());
  } catch (error) {
    throw toApiFailure(error);
  }
  const parsed = schema.safeParse(data);
  if (!parsed.success) throw unknownAnswer(parsed.error);
  return parsed.data;
}

/** Strapi's client does not encode what it puts into an address. */
function addressOf(path: string, query: ApiRequest<z.ZodType>['query'] = {}): string {
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
  return parameters.size > 0 ? `${path}?${parameters.toString()}` : path;
}
