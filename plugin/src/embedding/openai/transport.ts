import { APIConnectionError, OpenAI } from 'openai';
import { readErrorBody } from '../http/error-body';
import { ConnectionError, StatusError } from '../http/status-error';
import { userAgent, withoutEndSlashes, type Transport } from '../http/transport';

interface ClientOptions {
  baseURL: string;
  apiKey: string;
}

/** As the transport of other APIs, but through the `openai` package. */
export function createOpenaiTransport({ baseURL, apiKey }: ClientOptions): Transport {
  const client = new EmbeddingsClient({ baseURL: withoutEndSlashes(baseURL), apiKey });
  return async ({ path, body }, signal) => {
    try {
      // Not `embeddings.create`: that adds `encoding_format`, which not every server knows.
      return await client.post<unknown>(path, { body, signal });
    } catch (error) {
      if (error instanceof APIConnectionError || isBrokenTransfer(error)) {
        throw new ConnectionError('No whole answer.', { cause: error });
      }
      throw error;
    }
  };
}

/**
 * The `openai` package with nothing but our own settings: no OPENAI_* environment variable, no retries (the queue
 * decides on those), no log, no redirects, no headers about this machine.
 */
class EmbeddingsClient extends OpenAI {
  constructor({ baseURL, apiKey }: ClientOptions) {
    super({
      baseURL,
      apiKey,
      // Left out, these would be read from the environment; an OPENAI_ADMIN_KEY would even replace the key.
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      logLevel: 'off',
      maxRetries: 0,
      // A redirect would hand pictures to a server that nobody configured.
      fetchOptions: { redirect: 'manual' },
    });
  }

  /** The last word on headers, for OPENAI_CUSTOM_HEADERS cannot be switched off. */
  protected override prepareRequest(request: { headers?: unknown }): Promise<void> {
    request.headers = {
      accept: 'application/json',
      authorization: `Bearer ${String(this.apiKey)}`,
      'content-type': 'application/json',
      'user-agent': userAgent,
    };
    return Promise.resolve();
  }

  /** The package only finds errors of OpenAI's shape; others put code and message elsewhere. */
  protected override makeStatusError(
    status: number,
    body: object,
    _text: string | undefined,
    headers: Headers,
  ): never {
    throw new StatusError(status, readErrorBody(body), headers);
  }
}

/** undici's error for a connection that ends in the middle of an answer. */
function isBrokenTransfer(error: unknown): boolean {
  // By name, for errors may come from another realm than this module's. JSON that is broken is a SyntaxError.
  return (
    typeof error === 'object' && error !== null && 'name' in error && error.name === 'TypeError'
  );
}
