import { z } from 'zod';
import type { VectorSpace } from '../../embedding/contract';
import type { VectorFilter, VectorHit } from '../contract';
import type { Step } from '../search-in-steps';
import { toScore } from '../similarity';
import type { Server } from './catalog';
import type { Send } from './connection';

/** More candidates than an index finds in one pass take an iterative scan. */
export const LARGEST_EF = 1_000;
/**
 * Hits that searches ask an index for. The first is more than a page with words needs; the second serves facets, sorting
 * and grouping, of some 1,000 hits; the third those among hits that the caller may not see, and views.
 */
const DEPTHS = [256, 1_280, 4_000] as const;
/** Of every search. */
export const [FIRST_DEPTH] = DEPTHS;
/** From this version on, pgvector continues a scan until enough rows pass the filter. */
const ITERATIVE_SCAN = { major: 0, minor: 8 };
/** From this version on there are vectors of half precision, which halve an index and may have 4,000 dimensions. */
const HALF_PRECISION = { major: 0, minor: 7 };
const MOST_DIMENSIONS = { half: 4_000, full: 2_000 };
/** Files that are looked up one by one rather than through the index. */
const FEW_FILES = 20_000;
/** Before pgvector can continue a scan, that many excluded files may take the place of hits. */
const MOST_EXCLUDED_AT_ONCE = 64;

/** How searches use an index. */
export interface GraphSettings {
  /** `hnsw.ef_search`: candidates that a search follows, or more to find as many as it needs. */
  ef: number;
  /** Candidates whose full vectors are compared; more than `ef` take an iterative scan. */
  candidates: number;
}

/** What identifies a vector in its table: the file, or the view. */
export type KeyColumn = 'file_id' | 'id';

export interface TableQuery {
  /** Quoted name. */
  table: string;
  key: KeyColumn;
  space: VectorSpace;
  server: Server;
  vector: Float32Array;
  filter: VectorFilter;
}

const hitRow = z.object({ key: z.number(), score: z.number() });

/** Compares every vector that passes the filter. Scores are computed in single precision. */
export function searchExactly(
  send: Send,
  query: TableQuery,
  { limit, threshold }: Omit<Step, 'isExact'>,
): Promise<VectorHit[]> {
  const above = threshold === null ? '' : `where score > ${String(threshold)}`;
  return run(
    send,
    `${setLocal(general)}
     select key::float8 as key, score from (
       select ${query.key} as key, ${scoreOf(query)} as score from ${query.table} ${whereOf(query)}
     ) compared ${above} order by score desc, key limit ${String(limit)}`,
  );
}

/**
 * Takes candidates from the index, which has halved vectors, and compares their full ones. Fewer hits than `limit` may
 * mean that the index didn't find enough.
 */
export function searchGraph(
  send: Send,
  query: TableQuery,
  { limit, settings }: { limit: number; settings: GraphSettings },
): Promise<VectorHit[]> {
  const { server, space, filter } = query;
  const candidates = Math.max(limit, settings.candidates);
  const excluded = filter.excludeIds?.length ?? 0;
  const isFiltered = filter.includeIds !== undefined || excluded > 0;
  // One pass finds no more than `ef`, excluded ones included.
  const ef = Math.min(LARGEST_EF, Math.max(limit + excluded, settings.ef));
  const isIterative = canIterate(server) && (isFiltered || candidates > ef);
  const { cast, expression } = graphType(server, space);
  const distance = `${expression} operator(${server.types}.<#>) ${literalOf(query.vector)}::${cast}`;
  return run(
    send,
    `${setLocal({
      ...general,
      enable_seqscan: 'off',
      'hnsw.ef_search': String(ef),
      ...(isIterative && {
        'hnsw.iterative_scan': 'relaxed_order',
        'hnsw.max_scan_tuples': String(Math.max(20_000, 4 * candidates)),
      }),
    })}
     select key::float8 as key, score from (
       select ${query.key} as key, ${scoreOf(query)} as score from ${query.table} ${whereOf(query)}
       order by ${distance} limit ${String(candidates)}
     ) near order by score desc, key limit ${String(limit)}`,
  );
}

/** Whether a search with this filter compares all vectors, or all of the included files. */
export function needsExact(server: Server, { excludeIds = [], includeIds }: VectorFilter): boolean {
  if (!canIterate(server)) {
    return includeIds !== undefined || excludeIds.length > MOST_EXCLUDED_AT_ONCE;
  }
  return includeIds !== undefined && includeIds.length <= FEW_FILES;
}

/** See `Searcher.depths`. */
export function depthsOf(server: Server): readonly number[] {
  return canIterate(server) ? DEPTHS : [FIRST_DEPTH, LARGEST_EF];
}

export function canIterate({ extension }: Server): boolean {
  return isAtLeast(extension, ITERATIVE_SCAN);
}

/** Type and expression of what an index has; null if pgvector can't index vectors of that length. */
export function indexable(server: Server, space: VectorSpace): string | null {
  const most = hasHalfPrecision(server) ? MOST_DIMENSIONS.half : MOST_DIMENSIONS.full;
  if (space.dimensions > most || !isAtLeast(server.extension, { major: 0, minor: 5 })) return null;
  const { expression, operators } = graphType(server, space);
  return `(${expression}) ${operators}`;
}

function graphType(
  server: Server,
  { dimensions }: VectorSpace,
): { cast: string; expression: string; operators: string } {
  const { types } = server;
  const kind = hasHalfPrecision(server) ? 'halfvec' : 'vector';
  const cast = `${types}.${kind}(${String(dimensions)})`;
  return { cast, expression: `(embedding::${cast})`, operators: `${types}.${kind}_ip_ops` };
}

function hasHalfPrecision({ extension }: Server): boolean {
  return isAtLeast(extension, HALF_PRECISION);
}

function isAtLeast(
  { major, minor }: { major: number; minor: number },
  wanted: { major: number; minor: number },
): boolean {
  return major > wanted.major || (major === wanted.major && minor >= wanted.minor);
}

/** The operator's result is negative, so that smaller is better. */
function scoreOf({ server, space, vector }: TableQuery): string {
  const type = `${server.types}.vector(${String(space.dimensions)})`;
  return `-(embedding operator(${server.types}.<#>) ${literalOf(vector)}::${type})`;
}

function whereOf({ filter: { excludeIds = [], includeIds } }: TableQuery): string {
  const conditions = [
    ...(includeIds ? [`file_id = any(${listOf(includeIds)})`] : []),
    ...(excludeIds.length > 0 ? [`file_id <> all(${listOf(excludeIds)})`] : []),
  ];
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}

/** Numbers only, so it needs no parameter: statements without any go to the server in one message. */
function listOf(fileIds: readonly number[]): string {
  return `'{${[...new Set(fileIds)].map((id) => String(Math.trunc(id))).join(',')}}'::bigint[]`;
}

function literalOf(vector: Float32Array): string {
  return `'${toVectorText(vector)}'`;
}

/** Nine digits are exact in single precision. */
export function toVectorText(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => Number(value.toPrecision(9))).join(',')}]`;
}

export function fromVectorText(text: string): Float32Array {
  return Float32Array.from(z.array(z.number()).parse(JSON.parse(text)));
}

/** Compiling takes longer than a search. */
const general = { jit: 'off' };

/** Several statements in one message are one transaction. */
function setLocal(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `set local ${name} = ${value};`)
    .join(' ');
}

async function run(send: Send, text: string): Promise<VectorHit[]> {
  const rows = await send(hitRow, text);
  return rows.map(({ key, score }): VectorHit => ({ fileId: key, score: toScore(score) }));
}
