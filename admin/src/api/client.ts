import { getFetchClient, isFetchError, type FetchResponse } from '@strapi/strapi/admin';
import type * as z from 'zod';
import { errorDetailsSchema } from '../../../plugin/src/contracts/errors';
import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';
import { ApiFailure } from './failure';

interface ApiRequest<Schema extends z.ZodType> {
  /** Of the response body. */
  schema: Schema;
  /** Undefined parameters are left out. */
  query?: Record<string, string | number | undefined>;
  signal?: AbortSignal;
}

interface ApiSending<Schema extends z.ZodType> extends ApiRequest<Schema> {
  /** JSON, or a form. */
  body?: object;
}

/**
 * Requests to this plugin's admin API. `path` begins with a slash and follows the plugin's id.
 *
 * @throws ApiFailure when a request fails or its response has another shape than `schema`
 * @throws DOMException `AbortError` once `signal` is aborted
 */
export const pluginApi = {
  get: <Schema extends z.ZodType>(path: string, request: ApiRequest<Schema>) =>
    get(`/${PLUGIN_ID}${path}`, request),
  post: <Schema extends z.ZodType>(path: string, request: ApiSending<Schema>) =>
    post(`/${PLUGIN_ID}${path}`, request),
  delete: <Schema extends z.ZodType>(path: string, { schema, query, signal }: ApiRequest<Schema>) =>
    parsed(schema, () =>
      getFetchClient().del(addressOf(`/${PLUGIN_ID}${path}`, query), { ...(signal && { signal }) }),
    ),
};

/** There is no such file, or it can't be shown; asking again changes nothing. */
const NO_FILE_STATUSES: readonly unknown[] = [404, 413, 415];

/**
 * A file of this plugin's admin API; null where there is none, and on versions of Strapi that don't read any.
 *
 * @throws ApiFailure when a request fails for another reason
 * @throws DOMException `AbortError` once `signal` is aborted
 */
export async function fetchFile(
  path: string,
  { query, signal }: Pick<ApiRequest<z.ZodType>, 'query' | 'signal'>,
): Promise<Blob | null> {
  try {
    const { data } = await getFetchClient().get(addressOf(`/${PLUGIN_ID}${path}`, query), {
      responseType: 'blob',
      ...(signal && { signal }),
    });
    return data instanceof Blob ? data : null;
  } catch (error) {
    if (isFetchError(error) && NO_FILE_STATUSES.includes(error.status)) return null;
    throw toApiFailure(error);
  }
}

/** The same for the admin API of Strapi and its other plugins. */
export const strapiApi = { get, post };

function get<Schema extends z.ZodType>(
  path: string,
  { schema, query, signal }: ApiRequest<Schema>,
): Promise<z.output<Schema>> {
  return parsed(schema, () =>
    getFetchClient().get(addressOf(path, query), { ...(signal && { signal }) }),
  );
}

function post<Schema extends z.ZodType>(
  path: string,
  { schema, query, body, signal }: ApiSending<Schema>,
): Promise<z.output<Schema>> {
  return parsed(schema, () =>
    getFetchClient().post(addressOf(path, query), body, { ...(signal && { signal }) }),
  );
}

async function parsed<Schema extends z.ZodType>(
  schema: Schema,
  request: () => Promise<FetchResponse>,
): Promise<z.output<Schema>> {
  let data: unknown;
  try {
    ({ data } = await request());
  } catch (error) {
    throw toApiFailure(error);
  }
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  throw new ApiFailure({
    code: 'unknown-answer',
    status: null,
    message: 'The response has an unexpected shape.',
    cause: result.error,
  });
}

/** Names what a request threw. The `AbortError` of an aborted one stays as it is. */
function toApiFailure(error: unknown): unknown {
  if (error instanceof ApiFailure || isAbort(error)) return error;
  if (!isFetchError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return new ApiFailure({ code: 'network', status: null, message, cause: error });
  }
  const status = error.status ?? null;
  const details = errorDetailsSchema.safeParse(error.response?.data.error.details);
  return new ApiFailure({
    code: details.data?.code ?? codeOfStatus(status),
    conflict: details.data?.conflict ?? null,
    status,
    message: error.message,
    cause: error,
  });
}

function codeOfStatus(status: number | null): string {
  if (status === 401) return 'signed-out';
  if (status === 403) return 'forbidden';
  if (status === 429) return 'rate-limited';
  return 'unexpected';
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Strapi's client does not encode query parameters. */
function addressOf(path: string, query: ApiRequest<z.ZodType>['query'] = {}): string {
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  );
  return parameters.size > 0 ? `${path}?${parameters.toString()}` : path;
}
