import type { QdrantClient } from '@qdrant/js-client-rest';
import type { Agent } from 'undici';
import { z } from 'zod';
import { systemClock, type Clock } from '../../clock';
import { ImageSearchError, type ImageSearchErrorOptions } from '../../errors';
import { Availability, type Outage } from '../availability';
import { PendingCalls } from '../server-store';

/** Less than the 5 s after which Qdrant closes an idle connection, so no request hits a closing one. */
const KEEP_ALIVE_MS = 4_000;
const MAX_CONNECTIONS = 25;
/** For the answer that Qdrant is back. */
const PROBE_MS = 2_000;

type Api = ReturnType<QdrantClient['api']>;
interface Client {
  api: Api;
  agent: Agent;
}
type Request = (api: Api, init: RequestInit) => Promise<{ data: unknown }>;

export interface ConnectionOptions {
  url: string;
  apiKey?: string | undefined;
  timeoutSeconds: number;
  /** Called when Qdrant answers again after it didn't. */
  onBack?: (outage: Outage) => void;
  /** @default systemClock */
  clock?: Clock;
}

/** Qdrant's REST API with validated answers, one error class and disposal. Connections are opened on demand. */
export class Connection {
  /** Qdrant's address, for messages. */
  readonly server: string;
  readonly #options: ConnectionOptions;
  readonly #address: Address;
  readonly #availability: Availability;
  #client: Promise<Client> | null = null;
  readonly #calls = new PendingCalls();
  #disposal: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#address = parseAddress(options.url);
    this.server = this.#address.text;
    this.#availability = new Availability({
      probe: () => this.#isAnswering(),
      onBack: options.onBack ?? (() => undefined),
      clock: options.clock ?? systemClock,
      random: Math.random,
    });
  }

  /**
   * Sends one request, unless Qdrant is known to hang.
   *
   * @throws QdrantFailure for a failed connection, a timeout, a refusal, or an answer that doesn't match `schema`
   * @throws ImageSearchError `store-unavailable`, with `retryAfterMs`, while Qdrant hangs
   */
  async send<Answer>(schema: z.ZodType<Answer>, request: Request): Promise<Answer> {
    this.#availability.assertNotHanging();
    try {
      const { data } = await this.#sendWithRetry(request);
      this.#availability.recordAnswer();
      return schema.parse(data);
    } catch (error) {
      const { timeoutSeconds } = this.#options;
      const failure = toFailure(error, { server: this.server, timeoutSeconds });
      const isTimeout = read(error).name === 'TimeoutError';
      if (isTimeout || isConnectionFailure(error)) {
        this.#availability.recordSilence(failure, { isTimeout });
      } else if (isAnswer(failure.status)) {
        this.#availability.recordAnswer();
      }
      throw failure;
    }
  }

  /** Never rejects. */
  async #isAnswering(): Promise<boolean> {
    try {
      this.#client ??= createClient(this.#address, this.#options.apiKey);
      const { api, agent } = await this.#client;
      // Reads storage, which the greeting of the root doesn't.
      await api.getCollections({}, this.#createInit(agent, PROBE_MS));
      return true;
    } catch (error) {
      return isAnswer(answerSchema.safeParse(error).data?.status);
    }
  }

  /**
   * A closed idle connection is only noticed when sending, so a request is sent again when its connection fails.
   * Every request is idempotent.
   */
  async #sendWithRetry(request: Request): ReturnType<Request> {
    this.#client ??= createClient(this.#address, this.#options.apiKey);
    const { api, agent } = await this.#client;
    try {
      return await request(api, this.#createInit(agent));
    } catch (error) {
      if (!isConnectionFailure(error)) throw error;
      return await request(api, this.#createInit(agent));
    }
  }

  #createInit(agent: Agent, timeoutMs = this.#options.timeoutSeconds * 1_000): RequestInit {
    const init: RequestInit & { dispatcher: Agent } = {
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
      // The key must not follow a redirect to another server.
      redirect: 'error',
    };
    return init;
  }

  /** Runs work that `dispose` waits for; starts none after it. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#calls.run(work);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#close();
    return this.#disposal;
  }

  async #close(): Promise<void> {
    this.#availability.stop();
    await this.#calls.close();
    await (await this.#client)?.agent.close();
  }
}

/** Its packages are loaded with the first request: a project whose vectors are elsewhere has no use for them. */
async function createClient(address: Address, apiKey: string | undefined): Promise<Client> {
  const [{ QdrantClient }, { Agent }] = await Promise.all([
    import('@qdrant/js-client-rest'),
    import('undici'),
  ]);
  const { origin, port, prefix } = address;
  const client = new QdrantClient({
    url: origin,
    port,
    prefix,
    headers: {
      // Qdrant sends compressed answers in chunks, and the last one waits for an acknowledgment: 40 ms.
      'accept-encoding': 'identity',
      // As `apiKey`, the client would log a warning to the console when the address is http.
      ...(apiKey !== undefined && { 'api-key': apiKey }),
    },
    timeout: Infinity,
    checkCompatibility: false,
  });
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Each request has its own deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return { api: client.api(), agent };
}

const DEFAULT_PORT = 6333;

/** Qdrant's address as its client takes it. */
export interface Address {
  /** Scheme, host and port. */
  origin: string;
  port: number;
  /** Path prefix of every request, starting with a slash; empty for none. */
  prefix: string;
  /** The whole address, for messages. */
  text: string;
}

/**
 * Splits an address that the client would misread: it drops a URL's path, and takes a scheme's default port
 * (`https://host:443`) for none, so that it would use 6333.
 *
 * @param url valid, without user, password, query and fragment
 */
export function parseAddress(url: string): Address {
  const { protocol, hostname, port, pathname } = new URL(url);
  const authority = /^[a-z]+:[/\\]*([^/\\]*)/i.exec(url.trim())?.[1] ?? '';
  const written = /:(\d+)$/.exec(authority)?.[1];
  const number = Number(port || written || DEFAULT_PORT);
  const origin = `${protocol}//${hostname}:${String(number)}`;
  const prefix = pathname.replace(/\/+$/, '');
  return { origin, port: number, prefix, text: origin + prefix };
}

const MAX_SHOWN_REASON = 200;

/** Qdrant's own refusal. A proxy's answer has another format and isn't quoted. */
const refusalSchema = z.object({ status: z.object({ error: z.string() }) });

/** The error that the client throws for an unsuccessful answer. */
const answerSchema = z.object({ status: z.int(), data: z.unknown() });

/** The error that the client throws for an answer with status 429. Seconds. */
const rateLimitSchema = z.object({
  name: z.literal('QdrantClientResourceExhaustedError'),
  retry_after: z.number(),
});

/** A failed request. */
export class QdrantFailure extends ImageSearchError {
  /** HTTP status; null without a valid answer. */
  readonly status: number | null;
  /** The reason that Qdrant gave; empty for none. */
  readonly reason: string;

  constructor(
    options: Omit<ImageSearchErrorOptions, 'code'>,
    answer: { status: number | null; reason: string },
  ) {
    super({ code: 'store-unavailable', ...options });
    this.status = answer.status;
    this.reason = answer.reason;
  }
}

/** Whether Qdrant is available but the collection doesn't exist. */
export function isMissingCollection(error: unknown): boolean {
  return (
    error instanceof QdrantFailure &&
    error.status === 404 &&
    /collection .*doesn't exist/i.test(error.reason)
  );
}

/** Whether another client created the collection first. */
export function isExistingCollection(error: unknown): boolean {
  return (
    error instanceof QdrantFailure &&
    (error.status === 409 || error.status === 400) &&
    /already exists/i.test(error.reason)
  );
}

/**
 * Whether there was no connection, or it ended before the answer was complete: fetch throws a TypeError for both.
 */
function isConnectionFailure(error: unknown): boolean {
  return read(error).name === 'TypeError';
}

/** Whether Qdrant itself responded, if only with a refusal, and no proxy in its place. */
function isAnswer(status: number | null | undefined): boolean {
  return typeof status === 'number' && status < 500;
}

/** Converts any error of the client. `server` is Qdrant's address without secrets. */
export function toFailure(
  error: unknown,
  { server, timeoutSeconds }: { server: string; timeoutSeconds: number },
): QdrantFailure {
  const answer = answerSchema.safeParse(error);
  if (answer.success) return toRefusal(answer.data, { server, cause: error });
  const base = { retryable: true, cause: error };
  const rateLimit = rateLimitSchema.safeParse(error);
  if (rateLimit.success) {
    const message = `Qdrant at ${server} is rate-limiting requests (429).`;
    const retryAfterMs = rateLimit.data.retry_after * 1_000;
    return new QdrantFailure({ ...base, message, retryAfterMs }, { status: 429, reason: '' });
  }
  const message = `Qdrant at ${server} ${describe(error, timeoutSeconds)}`;
  return new QdrantFailure({ ...base, message }, { status: null, reason: '' });
}

/** Converts an unsuccessful answer. */
function toRefusal(
  { status, data }: z.output<typeof answerSchema>,
  { server, cause }: { server: string; cause: unknown },
): QdrantFailure {
  const parsed = refusalSchema.safeParse(data);
  const reason = parsed.success ? parsed.data.status.error.slice(0, MAX_SHOWN_REASON) : '';
  const detail = `(${String(status)}${reason === '' ? '' : `: ${reason}`})`;
  if (status === 401 || status === 403) {
    const message = `Qdrant at ${server} denied access ${detail}. Check vectors.apiKey.`;
    return new QdrantFailure({ message, retryable: false, cause }, { status, reason });
  }
  if (status === 404 && reason === '') {
    const message = `The server at ${server} isn't Qdrant (404). Check vectors.url.`;
    return new QdrantFailure({ message, retryable: true, cause }, { status, reason });
  }
  const isRetryable = status >= 500 || [404, 408, 409, 425, 429].includes(status);
  const message = `Qdrant at ${server} ${isRetryable ? 'failed' : 'rejected the request'} ${detail}.`;
  return new QdrantFailure({ message, retryable: isRetryable, cause }, { status, reason });
}

function describe(error: unknown, timeoutSeconds: number): string {
  const { name = '' } = read(error);
  if (name === 'TimeoutError') {
    return `didn't answer within ${String(timeoutSeconds)} s (vectors.timeoutSeconds).`;
  }
  if (name === 'SyntaxError' || name === 'ZodError') {
    return 'sent an invalid answer. Check vectors.url.';
  }
  const code = codeOf(error);
  return `can't be reached${code === '' ? '' : ` (${code})`}. Check that it is running, and check vectors.url.`;
}

/** Code of the cause, such as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`; fetch wraps it once or twice. */
function codeOf(error: unknown): string {
  const { code, cause, errors } = read(error);
  if (code !== undefined) return code;
  const inner = cause ?? errors?.[0];
  return inner === undefined ? '' : codeOf(inner);
}

/** Checked by shape: fetch's errors aren't instances of a test's or sandbox's Error. */
const errorSchema = z.object({
  name: z.string().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
  cause: z.unknown().optional(),
  errors: z.array(z.unknown()).optional().catch(undefined),
});

function read(error: unknown): Partial<z.output<typeof errorSchema>> {
  return errorSchema.safeParse(error).data ?? {};
}
