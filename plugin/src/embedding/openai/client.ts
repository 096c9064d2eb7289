import { OpenAI } from 'openai';
import { readErrorBody } from './error-body';
import { StatusError } from './status-error';

export interface ClientOptions {
  baseURL: string;
  apiKey: string;
}

/**
 * The `openai` package with nothing but our own settings: no OPENAI_* environment variable, no retries (the queue
 * decides on those), no log, no redirects, no headers about this machine.
 */
export class EmbeddingsClient extends OpenAI {
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

  /** Asks for embeddings and answers the parsed JSON, or a string when the server answered something else. */
  postEmbeddings(body: object, signal: AbortSignal): Promise<unknown> {
    // Not `embeddings.create`: that adds `encoding_format`, which not every server knows.
    return this.post<unknown>('/embeddings', { body, signal });
  }

  /** The last word on headers, for OPENAI_CUSTOM_HEADERS cannot be switched off. */
  protected override prepareRequest(request: { headers?: unknown }): Promise<void> {
    request.headers = {
      accept: 'application/json',
      authorization: `Bearer ${String(this.apiKey)}`,
      'content-type': 'application/json',
      'user-agent': 'strapi-plugin-image-search',
    };
    return Promise.resolve();
  }

  /** The package only finds errors of OpenAI's shape; others put code and message at the top of the body. */
  protected override makeStatusError(
    status: number,
    body: object,
    _text: string | undefined,
    headers: Headers,
  ): StatusError {
    return new StatusError(status, readErrorBody(body), headers);
  }
}
