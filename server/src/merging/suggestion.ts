import { isLossless, type SuggestionCriterion } from '../../../plugin/src/contracts/merging';
import type { LibraryFile } from '../usage/library-files';

export interface Candidate extends Pick<LibraryFile, 'id' | 'mime' | 'width' | 'height' | 'size'> {
  alternativeText: string | null;
  createdAt: Date;
  useCount: number;
}

const VECTOR = 'image/svg+xml';

/** Most important first; larger is better, and NaN is unknown. */
const criteria: Record<SuggestionCriterion, (file: Candidate) => number> = {
  pixels: pixelsOf,
  format: (file) => (isLossless(file.mime) ? 1 : 0),
  bytes: ({ size }) => size,
  usage: ({ useCount }) => useCount,
  alternativeText: ({ alternativeText }) => (isEmpty(alternativeText) ? 0 : 1),
  age: ({ createdAt }) => -createdAt.getTime(),
};

/**
 * The file to keep: image quality first (pixels, then lossless format, then size), because a merge can't restore it;
 * then most uses, an alternative text, and age. A criterion that is unknown for a file decides nothing.
 */
export function suggestFile(candidates: readonly Candidate[]): {
  fileId: number;
  reasons: SuggestionCriterion[];
} {
  const known = Object.entries(criteria).filter(([, valueOf]) =>
    candidates.every((candidate) => !Number.isNaN(valueOf(candidate))),
  );
  const compare = (left: Candidate, right: Candidate): number => {
    const differences = known.map(([, valueOf]) => valueOf(right) - valueOf(left));
    return differences.find((difference) => difference !== 0) ?? left.id - right.id;
  };
  const [best, ...others] = [...candidates].sort(compare);
  if (!best) throw new RangeError('There are no files to choose from.');
  const reasons = known
    .filter(([, valueOf]) => {
      const values = others.map(valueOf);
      const value = valueOf(best);
      return values.every((other) => other <= value) && values.some((other) => other < value);
    })
    .map(([criterion]) => criterion as SuggestionCriterion);
  return { fileId: best.id, reasons };
}

/** A vector image scales to any size; NaN when the size isn't known. */
export function pixelsOf({ mime, width, height }: Candidate | LibraryFile): number {
  if (mime === VECTOR) return Number.MAX_SAFE_INTEGER;
  return width && height ? width * height : NaN;
}

export function isEmpty(text: string | null): boolean {
  return text === null || text.trim() === '';
}
