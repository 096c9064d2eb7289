import { locallyNormalised, mirrored, sumTable, type Plane } from './plane';

/** A small picture that is slid over another. */
export interface Searchable {
  plane: Plane;
  /** See `sumTable`. */
  squares: Float64Array;
}

const NEIGHBOURHOOD = 3;
const LEAST_SPREAD = 5;

export function searchable(plane: Plane): Searchable {
  const normalised = locallyNormalised(plane, NEIGHBOURHOOD, LEAST_SPREAD);
  return { plane: normalised, squares: sumTable(normalised, true) };
}

export function mirroredSearchable({ plane }: Searchable): Searchable {
  const turned = mirrored(plane);
  return { plane: turned, squares: sumTable(turned, true) };
}
