import type { ApiRequest, Transport } from './api';
import { readErrorBody, ConnectionError, StatusError } from './http-failures';

export const userAgent = 'strapi-plugin-image-search';

/** @param headers those that carry the key */
export function createTransport(baseURL: string, headers: Record<string, string>): Transport {
  const address = withoutEndSlashes(baseURL);
  return async ({ path, body }, signal) => {
    const response = await post(`${address}${path}`, { headers, body, signal });
    if (!response.ok) {
      throw new StatusError(response.status, readErrorBody(response.text), response.headers);
    }
    return JSON.parse(response.text) as unknown;
  };
}

export function withoutEndSlashes(address: string): string {
  let end = address.length;
  while (address.charAt(end - 1) === '/') end -= 1;
  return address.slice(0, end);
}

async function post(
  url: string,
  options: { headers: Record<string, string>; body: ApiRequest['body']; signal: AbortSignal },
): Promise<{ ok: boolean; status: number; headers: Headers; text: string }> {
  const { headers, body, signal } = options;
  const isBytes = body instanceof Uint8Array;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': isBytes ? 'application/octet-stream' : 'application/json',
        'user-agent': userAgent,
        ...headers,
      },
      // A copy: fetch's types rule out shared memory.
      body: isBytes ? new Uint8Array(body) : JSON.stringify(body),
      // A redirect would send images to a server that nobody configured.
      redirect: 'manual',
      signal,
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, headers: response.headers, text };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ConnectionError('The answer is incomplete.', { cause: error });
  }
}
