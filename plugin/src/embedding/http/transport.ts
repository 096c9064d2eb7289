import type { ApiRequest } from './api';
import { readErrorBody } from './error-body';
import { ConnectionError, StatusError } from './status-error';

/**
 * Sends a request and answers the parsed JSON. Fails with StatusError, ConnectionError, a SyntaxError for what is no
 * JSON, or what the signal was aborted with. No retries: the queue decides on those.
 */
export type Transport = (request: ApiRequest, signal: AbortSignal) => Promise<unknown>;

export const userAgent = 'strapi-plugin-image-search';

/** `headers` are those that carry the key. */
export function createTransport(baseURL: string, headers: Record<string, string>): Transport {
  const address = withoutEndSlashes(baseURL);
  return async ({ path, body }, signal) => {
    const response = await ask(`${address}${path}`, { headers, body, signal });
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

async function ask(
  url: string,
  options: { headers: Record<string, string>; body: ApiRequest['body']; signal: AbortSignal },
): Promise<{ ok: boolean; status: number; headers: Headers; text: string }> {
  const { headers, body, signal } = options;
  const isBytes = isByteArray(body);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': isBytes ? 'application/octet-stream' : 'application/json',
        'user-agent': userAgent,
        ...headers,
      },
      // A copy: fetch wants to know that nobody shares the memory.
      body: isBytes ? new Uint8Array(body) : JSON.stringify(body),
      // A redirect would hand pictures to a server that nobody configured.
      redirect: 'manual',
      signal,
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, headers: response.headers, text };
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ConnectionError('No whole answer.', { cause: error });
  }
}

/** Also of another realm than this module's, as Node's own buffers are in some hosts. */
function isByteArray(body: object): body is Uint8Array {
  return ArrayBuffer.isView(body);
}
