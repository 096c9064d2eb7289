import type { Latency } from './latency';

/** `postgres-exact` compares all vectors, however many there are. */
export const storeNames = ['embedded', 'postgres', 'postgres-exact', 'qdrant'] as const;

export type StoreName = (typeof storeNames)[number];

/** What one store did with one number of points. */
export interface ScaleResult {
  store: StoreName;
  points: number;
  dimensions: number;
  /** Storing all, in batches of 1,000, one after the other. */
  loadSeconds: number;
  /** From then until background work is done: servers build their graphs, and PostgreSQL measures its own. */
  settleSeconds: number;
  /** Null if unavailable. */
  diskBytes: number | null;
  /** Resident: what the store adds to its process, or for Qdrant all of the server's; null where it is not known. */
  memoryBytes: number | null;
  /** The first query of a process that has just started, with opening the store. */
  firstQueryMs: number;
  /** Share of the true nearest 20 that are found, by text and image queries in turn. */
  recall: number;
  oneClient: Latency;
  sixteenClients: Latency;
  /** The same questions to the same server by plain HTTP requests, in turn with those above. */
  direct?: { loadSeconds: number | null; oneClient: Latency; sixteenClients: Latency };
  /** Processes of this machine that wanted a processor when it began (one minute's average): others' work. */
  loadAverage: number;
}

/** What the process that fills a store tells. */
export interface LoadReport {
  loadSeconds: number;
  directLoadSeconds: number | null;
}

/** What the process that asks it tells. */
export interface QueryReport extends Pick<
  ScaleResult,
  'memoryBytes' | 'firstQueryMs' | 'recall' | 'oneClient' | 'sixteenClients'
> {
  direct: { oneClient: Latency; sixteenClients: Latency } | null;
}
