import { z } from 'zod';
import { backoffMs } from '../../circuit-breaker';
import type { Clock } from '../../clock';
import type { VectorSpace } from '../../embedding/contract';
import { toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type { CollectionCatalog } from './catalog';
import type { PostgresConfig } from './config';
import {
  noRows,
  PostgresFailure,
  STATEMENT_STOPPED,
  UNDEFINED_TABLE,
  type Connection,
  type Send,
} from './connection';
import {
  canIterate,
  FIRST_DEPTH,
  fromVectorText,
  indexable,
  LARGEST_EF,
  searchExactly,
  searchGraph,
  type GraphSettings,
  type KeyColumn,
} from './vector-table';

/** How long what is known of an index is trusted. */
const STATE_AGE_MS = 15_000;
/** Share of `hnsw.from` that this process writes before the size is looked at again. */
const GROWTH_BEFORE_CHECK = 0.05;
/** When another process is building. */
const RETRY_MS = 60_000;
/** After a failure. */
const FAILURES = { firstRetryMs: 60_000, longestRetryMs: 3_600_000 };
/** Of a measurement: vectors of the library, as many that are far from them, and the latest queries of each kind. */
const SAMPLE = { library: 40, queries: 20 };
/** Hits that a measurement compares. */
const MEASURED_HITS = 20;
/** What searches must find of them, of each kind, with a margin for queries that nobody measured. */
const WANTED_RECALL = 0.995;
/** Candidates that a search may follow, the fewest first; see `GraphSettings`. */
const STEPS: readonly GraphSettings[] = [
  ...[FIRST_DEPTH, 360, 500, 700, LARGEST_EF].map((ef) => ({ ef, candidates: FIRST_DEPTH })),
  ...[2_000, 4_000].map((candidates) => ({ ef: LARGEST_EF, candidates })),
];
/** Of an index that grew or shrank by this factor, recall is measured again. */
const GROWTH_BEFORE_MEASURING = 1.25;

const queryKinds = ['text', 'image'] as const;
type QueryKind = (typeof queryKinds)[number];

/** Length of what a distant query shares with an image, and of its noise. */
const DISTANT = { shared: 0.35, noise: 0.94 };

export const graphKinds = ['vectors', 'views'] as const;
type GraphKind = (typeof graphKinds)[number];
const keyOf: Record<GraphKind, KeyColumn> = { vectors: 'file_id', views: 'id' };

/** What was measured of an index. `settings` is null when none found enough: then every vector is compared. */
const measurementSchema = z.object({
  settings: z.object({ ef: z.int(), candidates: z.int() }).nullable(),
  /** Share of the true best that searches find, of 1, with the kind of vectors that finds least. */
  recall: z.number(),
  points: z.int(),
  /** How many were measured. */
  queries: z.record(z.enum(queryKinds), z.int()),
});
type Measurement = z.output<typeof measurementSchema>;

const graphsSchema = z.partialRecord(z.enum(graphKinds), measurementSchema).catch({});

const stateRow = z.object({
  has_views: z.boolean(),
  graphs: graphsSchema,
  vectors_valid: z.boolean().nullable(),
  views_valid: z.boolean().nullable(),
});

/** What searches of a collection need to know. */
export interface CollectionState {
  hasViews: boolean;
  /** Of an index that can be searched. */
  vectors: GraphSettings | null;
  views: GraphSettings | null;
}

export interface GraphsOptions {
  connection: Connection;
  catalog: CollectionCatalog;
  config: PostgresConfig;
  logger: Logger;
  clock: Clock;
  /** Whether indexes are built and measured here; a command leaves that to Strapi. */
  isKeeping: boolean;
}

/**
 * The HNSW indexes of one collection: of files, and of further views. One process at a time builds them in the
 * background, without blocking writes, and measures how many candidates searches must follow to find what comparing
 * every vector finds. What it learns is kept beside the collection, for all processes.
 */
export class Graphs {
  readonly #options: GraphsOptions;
  readonly #space: VectorSpace;
  readonly #stopping = new AbortController();
  /** The latest queries, oldest first. Texts lie further from images, so they are harder to answer. */
  readonly #queries: Record<QueryKind, Float32Array[]> = { text: [], image: [] };
  /** That weren't measured yet. */
  #newQueries: Record<QueryKind, number> = { text: 0, image: 0 };
  #state: { at: number; state: CollectionState } | null = null;
  #reading: Promise<CollectionState> | null = null;
  #writes = 0;
  #isKeeping = false;
  /** Something may have to be built or measured. */
  #isDue = false;
  /** Why the last attempt failed; null if it didn't. */
  #problem: string | null = null;
  readonly #warnings = new Set<string>();

  constructor(space: VectorSpace, options: GraphsOptions) {
    this.#space = space;
    this.#options = options;
  }

  /** Up to a quarter of a minute old if another process changed it. */
  async state(): Promise<CollectionState> {
    const known = this.#state;
    if (known && this.#options.clock.elapsed() - known.at < STATE_AGE_MS) return known.state;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Of the present process: what it stored is found at once. */
  noteViews(): void {
    if (this.#state) this.#state.state = { ...this.#state.state, hasViews: true };
  }

  noteWrites(count: number): void {
    this.#writes += count;
    if (this.#writes < this.#options.config.hnsw.from * GROWTH_BEFORE_CHECK) return;
    this.#writes = 0;
    this.keep();
  }

  noteQuery(kind: QueryKind, vector: Float32Array): void {
    const queries = this.#queries[kind];
    // One search may ask several times.
    const isKnown = queries.some((known) => known.every((value, index) => value === vector[index]));
    if (isKnown) return;
    queries.push(vector.slice());
    if (queries.length > SAMPLE.queries) queries.shift();
    this.#newQueries[kind] += 1;
    if (this.#newQueries[kind] === SAMPLE.queries) this.keep();
  }

  /** Builds and measures what is due, in the background. Never rejects. */
  keep(): void {
    if (!this.#options.isKeeping || this.#stopping.signal.aborted) return;
    this.#isDue = true;
    if (this.#isKeeping) return;
    this.#isKeeping = true;
    void this.#keepUntilDone().finally(() => {
      this.#isKeeping = false;
    });
  }

  /** What is being built, or why it can't be; null if nothing is. */
  async progress(): Promise<string | null> {
    const { catalog, connection } = this.#options;
    const { vectors, views } = catalog.tablesOf(this.#space);
    const [row] = await connection.send(
      z.object({ phase: z.string(), done: z.number(), total: z.number() }),
      `select phase, tuples_done::float8 as done, tuples_total::float8 as total
       from pg_stat_progress_create_index
       where relid in (to_regclass($1), to_regclass($2)) limit 1`,
      [vectors, views],
    );
    if (row === undefined) {
      return this.#problem && `The index of ${this.#space.model} isn't ready: ${this.#problem}`;
    }
    const share = row.total > 0 ? ` (${String(Math.floor((100 * row.done) / row.total))}%)` : '';
    return `An index of ${this.#space.model} is being built: ${row.phase}${share}.`;
  }

  /** Doesn't wait: the server finishes an index that it is building. */
  stop(): void {
    this.#stopping.abort();
  }

  async #read(): Promise<CollectionState> {
    const { catalog, clock, connection } = this.#options;
    const { number } = catalog.tablesOf(this.#space);
    const validityOf = (kind: GraphKind): string =>
      `(select indisvalid from pg_index where indexrelid = to_regclass('${this.#indexOf(kind)}')) as ${kind}_valid`;
    const [row] = await connection.send(
      stateRow,
      `select has_views, graphs, ${validityOf('vectors')}, ${validityOf('views')}
       from ${catalog.schema}.collections where number = $1`,
      [number],
    );
    const state = {
      hasViews: row?.has_views === true,
      vectors: row?.vectors_valid ? (row.graphs.vectors?.settings ?? null) : null,
      views: row?.views_valid ? (row.graphs.views?.settings ?? null) : null,
    };
    this.#state = { at: clock.elapsed(), state };
    return state;
  }

  async #keepUntilDone(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false;
      try {
        const isDone = await this.#keepOnce();
        failures = 0;
        this.#problem = null;
        if (isDone) continue;
      } catch (error) {
        // What was dropped needs no index; what is recreated is looked at again once it has grown.
        if (error instanceof PostgresFailure && error.sqlState === UNDEFINED_TABLE) continue;
        failures += 1;
        this.#report(error);
      }
      this.#isDue = true;
      const pause = failures === 0 ? RETRY_MS : backoffMs(FAILURES, failures, Math.random());
      await clock.wait(pause, signal);
    }
  }

  /** Once per problem. */
  #report(error: unknown): void {
    const { logger } = this.#options;
    if (this.#stopping.signal.aborted) return;
    const { message } = toImageSearchError(error);
    const text = `The index of ${this.#space.id} isn't ready, so searches compare all vectors; retrying later. ${message}`;
    this.#problem = message;
    // Somebody did that on purpose.
    const isStopped = error instanceof PostgresFailure && error.sqlState === STATEMENT_STOPPED;
    if (isStopped || this.#warnings.has(message)) {
      logger.debug(text);
      return;
    }
    this.#warnings.add(message);
    logger.warn(text);
  }

  /** Returns false if another process is at it. */
  async #keepOnce(): Promise<boolean> {
    const { catalog, connection } = this.#options;
    // Without writes since, most collections have nothing that is due: then no connection is opened for it.
    const due = await this.#findDue(connection.send);
    if (due.length === 0) return true;
    let isDone = false;
    await connection.hold(async (send) => {
      const [lock] = await send(
        z.object({ locked: z.boolean() }),
        'select pg_try_advisory_lock(hashtext($1), $2) as locked',
        [`image-search graphs ${catalog.schema}`, catalog.tablesOf(this.#space).number],
      );
      if (lock?.locked !== true) return;
      // Comparing every vector of a table that isn't in memory may take minutes, and building hours.
      await send(noRows, 'set statement_timeout = 0');
      for (const task of await this.#findDue(send)) {
        if (task.build) await this.#build(send, task.kind);
        await this.#measure(send, task);
        this.#state = null;
      }
      isDone = true;
    });
    return isDone;
  }

  async #findDue(send: Send): Promise<{ kind: GraphKind; build: boolean; points: number }[]> {
    const { catalog, config } = this.#options;
    const server = await catalog.server();
    if (indexable(server, this.#space) === null) return [];
    const tables = catalog.tablesOf(this.#space);
    const due = [];
    for (const kind of graphKinds) {
      const index = this.#indexOf(kind);
      const [row] = await send(
        z.object({ points: z.number(), valid: z.boolean().nullable(), graphs: graphsSchema }),
        // As many points as vectors, in a far smaller table.
        `select (select count(*) from ${kind === 'vectors' ? tables.points : tables.views})::float8 as points,
           (select indisvalid from pg_index where indexrelid = to_regclass('${index}')) as valid, graphs
         from ${catalog.schema}.collections where number = $1`,
        [tables.number],
      );
      if (row === undefined || row.points < config.hnsw.from) continue;
      const build = row.valid !== true;
      if (build || this.#isWorthMeasuring(row.graphs[kind], row.points)) {
        due.push({ kind, build, points: row.points });
      }
    }
    return due;
  }

  #isWorthMeasuring(known: Measurement | undefined, points: number): boolean {
    if (known === undefined) return true;
    const growth = Math.max(points / known.points, known.points / Math.max(1, points));
    const isNew = (kind: QueryKind): boolean =>
      this.#newQueries[kind] >= SAMPLE.queries && known.queries[kind] < SAMPLE.queries;
    return growth >= GROWTH_BEFORE_MEASURING || queryKinds.some(isNew);
  }

  async #build(send: Send, kind: GraphKind): Promise<void> {
    const { catalog, config, logger } = this.#options;
    const { hnsw } = config;
    const server = await catalog.server();
    const tables = catalog.tablesOf(this.#space);
    const index = this.#indexOf(kind);
    const [, name = ''] = index.split('.');
    const startedAt = performance.now();
    logger.info(`Building an index of ${this.#space.model} (${this.#space.id}) in PostgreSQL.`);
    const create = async (): Promise<void> => {
      // One that wasn't finished can't be searched.
      await send(noRows, `drop index concurrently if exists ${index}`);
      await send(
        noRows,
        `create index concurrently ${name} on ${tables[kind]}
         using hnsw (${indexable(server, this.#space) ?? ''})
         with (m = ${String(hnsw.m)}, ef_construction = ${String(hnsw.efConstruction)})`,
      );
    };
    await send(noRows, `set maintenance_work_mem = '${String(hnsw.buildMegabytes)}MB'`);
    try {
      await create();
    } catch (error) {
      // Containers often have 64 MB of the shared memory that several workers need.
      if (!(error instanceof PostgresFailure) || error.sqlState !== '53100') throw error;
      await send(noRows, 'set max_parallel_maintenance_workers = 0');
      await create();
    }
    const seconds = Math.ceil((performance.now() - startedAt) / 1_000);
    logger.info(`The index of ${this.#space.id} was built in ${String(seconds)} s.`);
  }

  /** Finds the fewest candidates with which searches find enough, and keeps that for all processes. */
  async #measure(send: Send, { kind, points }: { kind: GraphKind; points: number }): Promise<void> {
    const { catalog, logger } = this.#options;
    const server = await catalog.server();
    const tables = catalog.tablesOf(this.#space);
    const { text, image } = this.#queries;
    const queries = { text: [...text], image: [...image] };
    this.#newQueries = { text: 0, image: 0 };
    const base = {
      table: tables[kind],
      key: keyOf[kind],
      space: this.#space,
      server,
      filter: {},
    };
    const measured = [];
    const sample = await this.#sample(send, kind);
    const groups = [[...sample, ...toDistant(sample)], queries.text, queries.image];
    for (const [group, vectors] of groups.entries()) {
      for (const vector of vectors) {
        if (this.#stopping.signal.aborted) return;
        const query = { ...base, vector };
        const hits = await searchExactly(send, query, { limit: MEASURED_HITS, threshold: null });
        measured.push({ group, query, hits });
      }
    }
    let measurement: Measurement | null = null;
    for (const settings of STEPS) {
      if (settings.candidates > settings.ef && !canIterate(server)) break;
      const found = groups.map(() => ({ hits: 0, of: 0 }));
      for (const { group, hits, query } of measured) {
        if (this.#stopping.signal.aborted) return;
        const near = await searchGraph(send, query, { limit: MEASURED_HITS, settings });
        const least = hits.at(-1)?.score ?? -1;
        const sum = found[group];
        if (sum === undefined) continue;
        sum.of += hits.length;
        sum.hits += near.filter(({ score }) => score >= least).length;
      }
      const recall = Math.min(1, ...found.map((sum) => (sum.of === 0 ? 1 : sum.hits / sum.of)));
      measurement = { settings, recall, points, queries: countsOf(queries) };
      if (recall >= WANTED_RECALL) break;
    }
    if (measurement === null) return;
    if (measurement.recall < WANTED_RECALL) {
      logger.warn(
        `The index of ${this.#space.id} finds ${(100 * measurement.recall).toFixed(1)} % of the best matches at most, so searches compare all vectors.`,
      );
      measurement.settings = null;
    }
    await send(
      noRows,
      `update ${catalog.schema}.collections set graphs = graphs || $2 where number = $1`,
      [tables.number, JSON.stringify({ [kind]: measurement })],
    );
  }

  async #sample(send: Send, kind: GraphKind): Promise<Float32Array[]> {
    const { [kind]: table } = this.#options.catalog.tablesOf(this.#space);
    const key = keyOf[kind];
    const rows = await send(
      z.object({ embedding: z.string() }),
      // Even over the ids, without reading the whole table.
      `with ends as (select min(${key}) as least, max(${key}) as most from ${table})
       select distinct on (vector.${key}) vector.embedding::text as embedding
       from ends, generate_series(0, ${String(SAMPLE.library - 1)}) as step,
       lateral (
         select ${key}, embedding from ${table}
         where ${key} >= least + (most - least) * step / ${String(SAMPLE.library)}
         order by ${key} limit 1
       ) as vector`,
    );
    return rows.map(({ embedding }) => fromVectorText(embedding));
  }

  /** Quoted. */
  #indexOf(kind: GraphKind): string {
    const { catalog } = this.#options;
    return `${catalog.schema}.${kind}_${String(catalog.tablesOf(this.#space).number)}_graph`;
  }
}

/**
 * Stand-ins for texts before anybody has searched: models keep them far from all images, with a weak component towards
 * those that they describe, so an index finds their matches harder than those of an image.
 */
function toDistant(sample: readonly Float32Array[]): Float32Array[] {
  let state = 1;
  // A linear congruential generator (Numerical Recipes): the same noise each time.
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const [first] = sample;
  if (first === undefined) return [];
  const mean = first.map((_, index) => {
    const sum = sample.reduce((all, vector) => all + (vector[index] ?? 0), 0);
    return sum / sample.length;
  });
  return sample.map((vector) => {
    const own = toUnit(vector.map((value, index) => value - (mean[index] ?? 0)));
    const noise = toUnit(vector.map(random));
    return toUnit(
      own.map((value, index) => DISTANT.shared * value + DISTANT.noise * (noise[index] ?? 0)),
    );
  });
}

function countsOf(queries: Record<QueryKind, readonly unknown[]>): Record<QueryKind, number> {
  return { text: queries.text.length, image: queries.image.length };
}

/** All zeros stay. */
function toUnit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
