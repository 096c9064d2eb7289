import {
  MAX_VIEW_NUMBER,
  viewKinds,
  type FileView,
  type VectorHit,
  type VectorQuery,
} from './contract';
import { compareHits, toScore } from './similarity';

/**
 * A number for each further view of each file, as both stores keep it: 65,536 numbers a file, of which each kind has a
 * quarter. They ascend by file, kind and number.
 */
const NUMBERS_PER_KIND = MAX_VIEW_NUMBER + 1;
const NUMBERS_PER_FILE = 4 * NUMBERS_PER_KIND;

/** @throws RangeError for a number out of range */
export function toViewId(fileId: number, { kind, number }: FileView): number {
  if (!Number.isInteger(number) || number < 1 || number > MAX_VIEW_NUMBER) {
    throw new RangeError(
      `The number of a view must be an integer from 1 to ${String(MAX_VIEW_NUMBER)}, not ${String(number)}.`,
    );
  }
  return fileId * NUMBERS_PER_FILE + viewKinds.indexOf(kind) * NUMBERS_PER_KIND + number;
}

export function fileIdOf(viewId: number): number {
  return Math.floor(viewId / NUMBERS_PER_FILE);
}

export function toView(viewId: number): FileView {
  const place = viewId % NUMBERS_PER_FILE;
  const kind = viewKinds[Math.floor(place / NUMBERS_PER_KIND)];
  if (kind === undefined) throw new RangeError(`${String(viewId)} is no view.`);
  return { kind, number: place % NUMBERS_PER_KIND };
}

/** The first and the last id that a view of this file can have. */
export function viewIdsOf(fileId: number): [number, number] {
  return [fileId * NUMBERS_PER_FILE, (fileId + 1) * NUMBERS_PER_FILE - 1];
}

/** A further view of a file, as a search found it. */
export interface ViewHit {
  viewId: number;
  score: number;
}

/** The score of a further view with this cosine similarity. */
export function toViewScore(product: number, { viewPenalty = 0 }: VectorQuery): number {
  return toScore(toScore(product) - viewPenalty);
}

/** Each file once, by its best view, in the order of the contract; of equal views, the whole file, then the first. */
export function mergeViews(wholes: readonly VectorHit[], views: readonly ViewHit[]): VectorHit[] {
  const best = new Map(wholes.map((hit) => [hit.fileId, hit]));
  const ordered = views.toSorted((one, other) => one.viewId - other.viewId);
  for (const { viewId, score } of ordered) {
    const fileId = fileIdOf(viewId);
    if (score <= (best.get(fileId)?.score ?? -Infinity)) continue;
    best.set(fileId, { fileId, score, view: toView(viewId) });
  }
  return [...best.values()].sort(compareHits);
}
