import { z } from 'zod';
import { systemClock, type Clock } from '../../clock';
import { ImageSearchError, type ImageSearchErrorOptions } from '../../errors';
import { detectPackageManager, isPackageMissing, requirePackage } from '../../package-manager';
import { Availability, type Outage } from '../availability';
import { PendingCalls } from '../server-store';

/** For the answer that the server is back. */
const PROBE_MS = 2_000;
/** The server stops what takes too long, and has that long to say so before it counts as silent. */
const ANSWER_MS = 1_000;
/** Of work that may take hours: the longest that a timer takes. */
const NO_DEADLINE_MS = 2 ** 31 - 1;

/** How to connect, as the package `pg` takes it: host, port, database, user, password, ssl or connectionString. */
export type PostgresSettings = Readonly<Record<string, unknown>>;

/** How the host reaches its own database; null if that isn't PostgreSQL. */
export type HostDatabase = PostgresSettings | 'unknown' | null;

/** The settings of the configured database; null if that is the host's own, which isn't PostgreSQL or isn't known. */
export function connectionSettings(
  { url }: { url?: string | undefined },
  hostDatabase: HostDatabase,
): PostgresSettings | null {
  if (url !== undefined) return { connectionString: url };
  return hostDatabase === 'unknown' ? null : hostDatabase;
}

/** Runs one statement, or several without values, and returns the rows of the last one. */
export type Send = <Row>(
  schema: z.ZodType<Row>,
  text: string,
  values?: readonly unknown[],
) => Promise<Row[]>;

/** For statements whose rows nobody reads. */
export const noRows = z.unknown();

export interface ConnectionOptions {
  settings: PostgresSettings;
  /** Where `pg` is looked for first. */
  projectFolder: string;
  /** Most connections at a time, without the one of `hold`. */
  connections: number;
  /** The setting that raises `connections`, for messages. @default none */
  connectionsSetting?: string;
  timeoutSeconds: number;
  /** Called when the server answers again after it didn't. */
  onBack?: (outage: Outage) => void;
  /** @default systemClock */
  clock?: Clock;
}

/** The part of `pg` that is used. */
interface Client {
  connect(): Promise<void>;
  query(query: { text: string; values?: unknown[]; query_timeout: number }): Promise<unknown>;
  end(): Promise<void>;
  on(event: 'error', listener: () => void): unknown;
}

interface PooledClient extends Client {
  /** @param isBroken whether to close it */
  release(isBroken: boolean): void;
}

interface Pool {
  connect(): Promise<PooledClient>;
  end(): Promise<void>;
  on(event: 'error', listener: () => void): unknown;
  on(event: 'connect', listener: (client: Client) => void): unknown;
}

interface Package {
  Client: new (settings: PostgresSettings) => Client;
  Pool: new (settings: PostgresSettings) => Pool;
}

/** A pool of connections to PostgreSQL with validated rows, one error class and disposal. Opened on demand. */
export class Connection {
  /** Host, port and database, for messages; no secrets. */
  readonly server: string;
  readonly #options: ConnectionOptions;
  readonly #availability: Availability;
  readonly #calls = new PendingCalls();
  readonly #held = new Set<Client>();
  #pool: Pool | null = null;
  /** Connections of the pool that are in use. */
  #working = 0;
  #disposal: Promise<void> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.server = describeServer(options.settings);
    this.#availability = new Availability({
      probe: () => this.#isAnswering(),
      onBack: options.onBack ?? (() => undefined),
      clock: options.clock ?? systemClock,
      random: Math.random,
    });
  }

  /**
   * Every statement must be idempotent: it is repeated when an idle connection turns out to be closed.
   *
   * @throws PostgresFailure for a failed connection, a timeout, a refusal, or rows that don't match `schema`
   * @throws ImageSearchError `store-unavailable`, with `retryAfterMs`, while the server hangs; `store-not-installed`
   * without the package `pg`
   */
  send: Send = (schema, text, values) =>
    this.#use((send) => {
      // Several statements without values are one transaction; what has values looks up a few rows.
      const limited = values ? text : `${this.#setTimeLimit()}; ${text}`;
      return send(schema, limited, values);
    });

  /** Runs idempotent work in one transaction. Throws like `send`, and whatever the work throws. */
  transact<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    return this.#use(async (send) => {
      await send(noRows, `begin; ${this.#setTimeLimit()}`);
      try {
        const result = await work(send);
        await send(noRows, 'commit');
        return result;
      } catch (error) {
        if (error instanceof PostgresFailure && error.sqlState === null) throw error;
        await send(noRows, 'rollback').catch(() => undefined);
        throw error;
      }
    });
  }

  /**
   * Runs work that may take hours, without a time limit, on a connection of its own. `dispose` closes that without waiting: what the server is
   * doing, such as building an index, it finishes.
   */
  async hold(work: (send: Send) => Promise<void>): Promise<void> {
    const { Client } = loadPackage(this.#options.projectFolder);
    const client = new Client(this.#settings());
    client.on('error', () => undefined);
    this.#held.add(client);
    try {
      await client.connect();
      await work(this.#senderOf(client, NO_DEADLINE_MS));
    } catch (error) {
      throw this.#toFailure(error);
    } finally {
      this.#held.delete(client);
      await client.end().catch(() => undefined);
    }
  }

  /** Runs work that `dispose` waits for; starts none after it. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#calls.run(work);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#close();
    return this.#disposal;
  }

  async #use<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    this.#availability.assertNotHanging();
    try {
      const result = await this.#attemptAgain(work);
      this.#availability.recordAnswer();
      return result;
    } catch (error) {
      if (!(error instanceof PostgresFailure)) throw error;
      const { isTimeout, sqlState } = error;
      if (isTimeout || sqlState === null || isOutage(sqlState)) {
        this.#availability.recordSilence(error, { isTimeout });
      } else {
        this.#availability.recordAnswer();
      }
      throw error;
    }
  }

  async #attemptAgain<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    // A server that restarts cuts all idle connections, and each attempt may meet another one.
    for (let repeats = this.#options.connections; repeats > 0; repeats -= 1) {
      try {
        return await this.#attempt(work);
      } catch (error) {
        if (!isWorthRepeating(error)) throw error;
      }
    }
    return this.#attempt(work);
  }

  async #attempt<Result>(work: (send: Send) => Promise<Result>): Promise<Result> {
    const timeoutMs = this.#timeoutMs() + ANSWER_MS;
    let client: PooledClient;
    try {
      client = await this.#openPool().connect();
    } catch (error) {
      // The pool says the same when a new connection takes too long.
      const isBusy = this.#working >= this.#options.connections && isPoolTimeout(error);
      if (isBusy) throw this.#busyError(error);
      throw this.#toFailure(error);
    }
    let isBroken = false;
    this.#working += 1;
    try {
      return await work(this.#senderOf(client, timeoutMs));
    } catch (error) {
      // After a timeout, the answer of the last statement may still come.
      isBroken = !(error instanceof PostgresFailure) || error.sqlState === null;
      throw error;
    } finally {
      this.#working -= 1;
      client.release(isBroken);
    }
  }

  #senderOf(client: Client, timeoutMs: number): Send {
    return async (schema, text, values) => {
      try {
        const answer = await client.query({
          text,
          ...(values && { values: [...values] }),
          query_timeout: timeoutMs,
        });
        const last = Array.isArray(answer) ? (answer as unknown[]).at(-1) : answer;
        return z.object({ rows: z.array(schema) }).parse(last).rows;
      } catch (error) {
        throw this.#toFailure(error);
      }
    };
  }

  #openPool(): Pool {
    if (this.#pool) return this.#pool;
    const { Pool } = loadPackage(this.#options.projectFolder);
    const pool = new Pool({
      ...this.#settings(),
      max: this.#options.connections,
      allowExitOnIdle: true,
    });
    // Of a connection that was cut: its call fails, or the next one. Without listeners, Node.js would exit.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
    });
    this.#pool = pool;
    return pool;
  }

  #settings(): PostgresSettings {
    return {
      ...this.#options.settings,
      application_name: 'image-search',
      connectionTimeoutMillis: this.#timeoutMs(),
      keepAlive: true,
      types: { getTypeParser },
    };
  }

  #setTimeLimit(): string {
    return `set local statement_timeout = ${String(this.#timeoutMs())}`;
  }

  #timeoutMs(): number {
    return this.#options.timeoutSeconds * 1_000;
  }

  /** Never rejects. */
  async #isAnswering(): Promise<boolean> {
    try {
      const { Client } = loadPackage(this.#options.projectFolder);
      const client = new Client({ ...this.#settings(), connectionTimeoutMillis: PROBE_MS });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.query({ text: 'select 1', query_timeout: PROBE_MS });
        return true;
      } finally {
        void client.end().catch(() => undefined);
      }
    } catch {
      return false;
    }
  }

  /** Says nothing about the server. */
  #busyError(cause: unknown): ImageSearchError {
    const { connections, connectionsSetting: setting, timeoutSeconds } = this.#options;
    const advice = setting === undefined ? '' : ` Raise ${setting}.`;
    return new ImageSearchError({
      code: 'store-unavailable',
      message: `All ${String(connections)} connections to PostgreSQL at ${this.server} were busy for ${String(timeoutSeconds)} s.${advice}`,
      retryable: true,
      cause,
    });
  }

  #toFailure(error: unknown): ImageSearchError {
    if (error instanceof ImageSearchError) return error;
    const { timeoutSeconds } = this.#options;
    return toFailure(error, { server: this.server, timeoutSeconds });
  }

  async #close(): Promise<void> {
    this.#availability.stop();
    await this.#calls.close();
    await Promise.all([...this.#held].map((client) => client.end().catch(() => undefined)));
    await this.#pool?.end();
  }
}

/** By the type's number in PostgreSQL: the few that are read as something else than text. */
const parsers: Record<number, (text: string) => unknown> = {
  16: (text) => text === 't',
  23: Number,
  701: Number,
  3802: JSON.parse,
};

/** Strapi changes the parsers of `pg` for the whole process. */
function getTypeParser(type: number): (text: string) => unknown {
  return parsers[type] ?? ((text) => text);
}

function loadPackage(projectFolder: string): Package {
  try {
    return requirePackage('pg', projectFolder) as Package;
  } catch (error) {
    if (!isPackageMissing(error)) throw error;
    const install = detectPackageManager(projectFolder).install('pg');
    throw new ImageSearchError({
      code: 'store-not-installed',
      message: `The package "pg" isn't installed, which vectors.store "postgres" needs. Run "${install}" in the project folder and restart Strapi.`,
      retryable: false,
      cause: error,
    });
  }
}

const settingsSchema = z.object({
  connectionString: z.string().optional().catch(undefined),
  host: z.string().optional().catch(undefined),
  port: z.coerce.number().optional().catch(undefined),
  database: z.string().optional().catch(undefined),
});

/** Host, port and database. */
function describeServer(settings: PostgresSettings): string {
  const { connectionString, ...given } = settingsSchema.parse(settings);
  const url = connectionString && URL.canParse(connectionString) ? new URL(connectionString) : null;
  const host = url?.hostname || given.host || 'localhost';
  const port = url?.port || String(given.port ?? 5432);
  const database = url ? url.pathname.slice(1) : (given.database ?? '');
  return host.startsWith('/') ? `${host}/${database}` : `${host}:${port}/${database}`;
}

/** A failed statement or connection. */
export class PostgresFailure extends ImageSearchError {
  /** SQLSTATE, such as `42P01`; null when the server didn't answer. */
  readonly sqlState: string | null;
  /** Whether the server said nothing in time. */
  readonly isTimeout: boolean;

  constructor(
    options: Omit<ImageSearchErrorOptions, 'code'>,
    answer: { sqlState: string | null; isTimeout: boolean },
  ) {
    super({ code: 'store-unavailable', ...options });
    this.sqlState = answer.sqlState;
    this.isTimeout = answer.isTimeout;
  }
}

export const UNDEFINED_TABLE = '42P01';
export const INSUFFICIENT_PRIVILEGE = '42501';

const missing = new Set([
  UNDEFINED_TABLE,
  '3F000', // invalid schema name
  // The extension was dropped with its columns, or moved.
  '42703', // undefined column
  '42704', // undefined object
  '42883', // undefined function
]);

/** By its time limit, or by somebody. */
export const STATEMENT_STOPPED = '57014';

/** Whether a table, or what it consists of, is missing. */
export function isMissingTable(error: unknown): boolean {
  return error instanceof PostgresFailure && missing.has(error.sqlState ?? '');
}

/** Whether the server ended the connection, is starting or stopping, or has no connection left. */
function isOutage(sqlState: string): boolean {
  return sqlState.startsWith('08') || sqlState.startsWith('57P') || sqlState === '53300';
}

/** Deadlocks, and connections that had been closed; not what took too long. */
function isWorthRepeating(error: unknown): boolean {
  if (!(error instanceof PostgresFailure) || error.isTimeout) return false;
  const { sqlState } = error;
  return sqlState === null || sqlState === '57P01' || sqlState === '40P01' || sqlState === '40001';
}

/** Checked by shape: under Jest, errors of packages aren't instances of a test's Error. */
const errorSchema = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().catch(''),
  name: z.string().catch(''),
});

/** Whether the pool gave no connection in time: `pg-pool` has no code for it. */
function isPoolTimeout(error: unknown): boolean {
  const { message } = errorSchema.safeParse(error).data ?? { message: '' };
  return message === 'timeout exceeded when trying to connect';
}

const MAX_SHOWN_REASON = 200;

/** Converts any error of `pg`. `server` is its address without secrets. */
export function toFailure(
  error: unknown,
  { server, timeoutSeconds }: { server: string; timeoutSeconds: number },
): PostgresFailure {
  const {
    code = '',
    message,
    name,
  } = errorSchema.safeParse(error).data ?? { message: '', name: '' };
  const sqlState = /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E') ? code : null;
  const base = { retryable: true, cause: error };
  if (sqlState !== null) return toRefusal(sqlState, { server, message, base, timeoutSeconds });
  if (/timeout/i.test(message)) {
    return new PostgresFailure(
      {
        ...base,
        message: `PostgreSQL at ${server} didn't answer within ${String(timeoutSeconds)} s (vectors.timeoutSeconds).`,
      },
      { sqlState, isTimeout: true },
    );
  }
  const problem =
    name === 'ZodError'
      ? 'sent rows of another kind.'
      : `can't be reached${code === '' ? '' : ` (${code})`}. Check that it is running, and check vectors.url or config/database.`;
  return new PostgresFailure(
    { ...base, message: `PostgreSQL at ${server} ${problem}` },
    { sqlState, isTimeout: false },
  );
}

function toRefusal(
  sqlState: string,
  {
    server,
    message,
    base,
    timeoutSeconds,
  }: { server: string; message: string; base: { cause: unknown }; timeoutSeconds: number },
): PostgresFailure {
  const fail = (text: string, retryable: boolean): PostgresFailure =>
    new PostgresFailure(
      { ...base, retryable, message: `PostgreSQL at ${server} ${text}` },
      { sqlState, isTimeout: false },
    );
  if (sqlState === STATEMENT_STOPPED && /timeout/i.test(message)) {
    return fail(
      `needed more than ${String(timeoutSeconds)} s for a request and stopped it. Raise vectors.timeoutSeconds, or find out what keeps the server busy.`,
      true,
    );
  }
  // Class 22 quotes the data.
  const reason = sqlState.startsWith('22') ? '' : `: ${message.slice(0, MAX_SHOWN_REASON)}`;
  const detail = `(${sqlState}${reason})`;
  if (sqlState.startsWith('28')) {
    return fail(`denied access (${sqlState}). Check vectors.url or config/database.`, false);
  }
  if (sqlState === '3D000') {
    return fail(`has no such database. Check vectors.url or config/database.`, false);
  }
  if (sqlState === INSUFFICIENT_PRIVILEGE) {
    return fail(`refused permission ${detail}. Grant it to the user of this connection.`, false);
  }
  const isRetryable = isOutage(sqlState) || /^(25|40|53|55|57|58|XX)/.test(sqlState);
  return fail(`${isRetryable ? 'failed' : 'rejected the request'} ${detail}.`, isRetryable);
}
