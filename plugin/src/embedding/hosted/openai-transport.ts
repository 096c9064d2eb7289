import { APIConnectionError, OpenAI } from 'openai';
import type { Transport } from './api';
import { readErrorBody, ConnectionError, StatusError } from './http-failures';
import { userAgent, withoutEndSlashes } from './transport';

interface ClientOptions {
  baseURL: string;
  apiKey: string;
}

/** Like `createTransport`, but through the `openai` package. */
export function createOpenaiTransport({ baseURL, apiKey }: ClientOptions): Transport {
  const client = new EmbeddingsClient({ baseURL: withoutEndSlashes(baseURL), apiKey });
  return async ({ path, body }, signal) => {
    try {
      // Not `embeddings.create`, which adds `encoding_format`: not every server knows that.
      return await client.post<unknown>(path, { body, signal });
    } catch (error) {
      if (error instanceof APIConnectionError || isBrokenTransfer(error)) {
        throw new ConnectionError('The answer is incomplete.', { cause: error });
      }
      throw error;
    }
  };
}

/**
 * The `openai` package with only our own settings: no OPENAI_* environment variable, no retries (the queue
 * decides on those), no log, no redirects, no headers about this machine.
 */
class EmbeddingsClient extends OpenAI {
  constructor({ baseURL, apiKey }: ClientOptions) {
    super({
      baseURL,
      apiKey,
      // Otherwise these come from the environment; an OPENAI_ADMIN_KEY would even replace the key.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      maxRetries: 0,
      // A redirect would send images to a server that nobody configured.
      fetchOptions: { redirect: 'manual' },
    });
  }

  /** Overrides all headers, because OPENAI_CUSTOM_HEADERS can't be switched off. */
  protected override prepareRequest(request: { headers?: unknown }): Promise<void> {
    request.headers = {
      accept: 'application/json',
      authorization: `Bearer ${String(this.apiKey)}`,
      'content-type': 'application/json',
      'user-agent': userAgent,
    };
    return Promise.resolve();
  }

  /** The package only understands errors of OpenAI's shape; other servers put code and message elsewhere. */
  protected override makeStatusError(
    status: number,
    body: object,
    _text: string | undefined,
    headers: Headers,
  ): never {
    throw new StatusError(status, readErrorBody(body), headers);
  }
}

/** A connection that breaks in the middle of an answer has a cause in undici's error; invalid JSON has none. */
function isBrokenTransfer(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'cause' in error;
}
