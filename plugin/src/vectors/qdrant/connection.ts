import { QdrantClient } from '@qdrant/js-client-rest';
import { Agent } from 'undici';
import type { z } from 'zod';
import { ImageSearchError } from '../../errors';
import { parseAddress } from './address';
import { isConnectionFailure, toFailure } from './failures';

/** Below the 5 s after which Qdrant closes an idle connection, so that no request meets one that is just closing. */
const KEEP_ALIVE_MS = 4_000;
const MOST_CONNECTIONS = 25;

type Api = ReturnType<QdrantClient['api']>;
type Request = (api: Api, init: RequestInit) => Promise<{ data: unknown }>;

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
      headers: {
        // Qdrant sends what it compresses in pieces, the last of which waits for the first to be acknowledged: 40 ms.
        'accept-encoding': 'identity',
        // Not as `apiKey`, which makes the client write to the console when the address is http.
        ...(options.apiKey !== undefined && { 'api-key': options.apiKey }),
      },
      timeout: Infinity,
      checkCompatibility: false,
    }).api();
  }

  /**
   * One request. Fails with QdrantFailure: no connection, no answer in time, a refusal, or an answer that `schema`
   * does not have.
   */
  async send<Answer>(schema: z.ZodType<Answer>, request: Request): Promise<Answer> {
    try {
      return schema.parse((await this.#sendAgain(request)).data);
    } catch (error) {
      const { timeoutSeconds } = this.#options;
      throw toFailure(error, { server: this.server, timeoutSeconds });
    }
  }

  /**
   * An idle connection may be found closed only when something is sent, so a request whose connection fails is sent
   * once more: each of them may be repeated.
   */
  async #sendAgain(request: Request): ReturnType<Request> {
    try {
      return await request(this.#api, this.#createInit());
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      return await request(this.#api, this.#createInit());
    }
  }

  #createInit(): RequestInit {
    const init: RequestInit & { dispatcher: Agent } = {
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(this.#options.timeoutSeconds * 1_000),
      // The key goes to the server that was named, and to no other.
      redirect: 'error',
    };
    return init;
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
