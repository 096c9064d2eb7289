import type { Problem } from '../errors';

/** Images on a map; beyond that, it shows a sample of the library. */
export const MAX_MAPPED = 20_000;
/** Fewer images need no map. */
export const LEAST_MAPPED = 3;

/** Images laid out by likeness on a square grid, at most one in a cell. The lists are equally long. */
export interface MapLayout {
  spaceId: string;
  /** Images of the space when it was made; more than are on the map if that is a sample. */
  total: number;
  /** Cells in a row, and rows. */
  side: number;
  fileIds: number[];
  /** Columns and rows, from 0. */
  x: number[];
  y: number[];
  /** ISO 8601. */
  madeAt: string;
}

/** What there is of the map now. */
export interface MapReading {
  /** The latest one of the active space, even while a new one is being made; null if there is none yet. */
  layout: MapLayout | null;
  /** 0 to 1; null unless one is being made. */
  progress: number | null;
  /** Whether the space has too few images for a map. */
  isTooSmall: boolean;
  /** Why the last one couldn't be made; null if it could. */
  problem: Problem | null;
}
