import { decodeThumbnail, type ChromaGrid } from '../images/contract';
import { normalisedForRefinement, type SlopedPlane } from './alignment-refinement';
import type { PictureTrace } from './contract';
import { wordsOf } from './fingerprint-distance';
import {
  halved,
  mirrored,
  planeOf,
  resampled,
  smoothed,
  type Plane,
  type PlaneSize,
} from './plane';
import { mirroredSearchable, searchable, type Searchable } from './searchable';

export interface View extends PlaneSize {
  isMirrored: boolean;
}

/** A trace unpacked, with whatever was worked out of it so far. */
export class ComparablePicture {
  readonly plane: Plane;
  readonly chroma: ChromaGrid;
  readonly fingerprint: Int32Array;
  /** Enough to search in. */
  #half: Plane | null = null;
  readonly #grey = new Map<string, Plane>();
  readonly #normalised = new Map<string, SlopedPlane>();
  readonly #searchable = new Map<string, Searchable>();

  constructor(plane: Plane, chroma: ChromaGrid, fingerprint: Int32Array) {
    this.plane = plane;
    this.chroma = chroma;
    this.fingerprint = fingerprint;
  }

  /** Grey values at this size. */
  grey(view: View): Plane {
    return cached(this.#grey, view, () => smoothed(this.#seen(view)));
  }

  /** At this size, for exact alignment. */
  normalised(view: View): SlopedPlane {
    return cached(this.#normalised, view, () => normalisedForRefinement(this.grey(view)));
  }

  /** At this size, for trying places. */
  searchable(view: View): Searchable {
    return cached(this.#searchable, view, () =>
      view.isMirrored
        ? mirroredSearchable(this.searchable({ ...view, isMirrored: false }))
        : searchable(resampled(this.#enoughFor(view), view)),
    );
  }

  #enoughFor({ height, width }: PlaneSize): Plane {
    const half = (this.#half ??= halved(this.plane));
    return width <= half.width && height <= half.height ? half : this.plane;
  }

  #seen({ isMirrored, ...size }: View): Plane {
    const plane = resampled(this.plane, size);
    return isMirrored ? mirrored(plane) : plane;
  }
}

/** Null when the trace is not complete. */
export function comparablePicture(trace: PictureTrace): ComparablePicture | null {
  if (trace.fingerprint === null || trace.thumbnail === null) return null;
  const thumbnail = decodeThumbnail(trace.thumbnail);
  if (thumbnail === null) return null;
  const words = wordsOf(trace.fingerprint.bits);
  return new ComparablePicture(planeOf(thumbnail), thumbnail.chroma, words);
}

function cached<Value>(known: Map<string, Value>, view: View, make: () => Value): Value {
  const key = `${String(view.width)} ${String(view.height)} ${String(view.isMirrored)}`;
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}
