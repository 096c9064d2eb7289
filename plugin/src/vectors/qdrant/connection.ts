import { QdrantClient } from '@qdrant/js-client-rest';
import { Agent } from 'undici';
import type { z } from 'zod';
import { ImageSearchError } from '../../errors';
import { parseAddress } from './address';
import { toFailure } from './failures';

/** Below the 5 s after which Qdrant closes an idle connection, so that no request meets one that is just closing. */
const KEEP_ALIVE_MS = 4_000;
const MOST_CONNECTIONS = 25;

type Api = ReturnType<QdrantClient['api']>;

export interface ConnectionOptions {
  url: string;
  apiKey?: string | undefined;
  timeoutSeconds: number;
}

/**
 * Qdrant's REST API with one kind of failure, answers that are checked, and an end. Connections are opened when they
 * are needed.
 */
export class Connection {
  /** Where Qdrant is, for messages. */
  readonly server: string;
  readonly #options: ConnectionOptions;
  readonly #api: Api;
  readonly #agent = new Agent({
    connections: MOST_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Each request has a deadline of its own.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  readonly #underWay = new Set<Promise<unknown>>();
  #disposal: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { origin, port, prefix, text } = parseAddress(options.url);
    this.server = text;
    this.#api = new QdrantClient({
      url: origin,
      port,
      prefix,
      // Not as `apiKey`, which makes the client write to the console when the address is http.
      ...(options.apiKey !== undefined && { headers: { 'api-key': options.apiKey } }),
      timeout: Infinity,
      checkCompatibility: false,
    }).api();
  }

  /**
   * One request. Fails with QdrantFailure: no connection, no answer in time, a refusal, or an answer that `schema`
   * does not have.
   */
  async send<Answer>(
    schema: z.ZodType<Answer>,
    request: (api: Api, init: RequestInit) => Promise<{ data: unknown }>,
  ): Promise<Answer> {
    const { timeoutSeconds } = this.#options;
    const init: RequestInit & { dispatcher: Agent } = {
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(timeoutSeconds * 1_000),
      // The key goes to the server that was named, and to no other.
      redirect: 'error',
    };
    try {
      return schema.parse((await request(this.#api, init)).data);
    } catch (error) {
      throw toFailure(error, { server: this.server, timeoutSeconds });
    }
  }

  /** Work of one or several requests, which `dispose` waits for; none is begun after it. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#disposal !== null) {
      throw new ImageSearchError({
        code: 'store-unavailable',
        message: 'The vector store cannot be used: it has been closed.',
        retryable: true,
      });
    }
    const result = work();
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#close();
    return this.#disposal;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#agent.close();
  }
}
