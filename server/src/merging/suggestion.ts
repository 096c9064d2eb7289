import { isLossless, type SuggestionCriterion } from '../../../plugin/src/contracts/merging';
import type { LibraryFile } from '../usage/library-files';

export interface Candidate extends Pick<LibraryFile, 'id' | 'mime' | 'width' | 'height' | 'size'> {
  alternativeText: string | null;
  createdAt: Date;
  useCount: number;
}

const VECTOR = 'image/svg+xml';

/** The weightiest first; the larger number is the better. */
const criteria: Record<SuggestionCriterion, (file: Candidate) => number> = {
  pixels: pixelsOf,
  format: (file) => (isLossless(file.mime) ? 1 : 0),
  bytes: ({ size }) => size,
  usage: ({ useCount }) => useCount,
  alternativeText: ({ alternativeText }) => (isEmpty(alternativeText) ? 0 : 1),
  age: ({ createdAt }) => -createdAt.getTime(),
};

/**
 * The file to keep: what is lost with a picture counts first (its pixels, then what its format and its compression
 * keep of them), for no merge brings that back; then the one that most places use, that is described, that is oldest.
 */
export function suggestFile(candidates: readonly Candidate[]): {
  fileId: number;
  reasons: SuggestionCriterion[];
} {
  const [best, ...others] = [...candidates].sort(compare);
  if (!best) throw new RangeError('There is no file to choose from.');
  const reasons = Object.entries(criteria)
    .filter(([, valueOf]) => {
      const values = others.map(valueOf);
      const value = valueOf(best);
      return values.every((other) => other <= value) && values.some((other) => other < value);
    })
    .map(([criterion]) => criterion as SuggestionCriterion);
  return { fileId: best.id, reasons };
}

function compare(left: Candidate, right: Candidate): number {
  for (const valueOf of Object.values(criteria)) {
    const difference = valueOf(right) - valueOf(left);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return left.id - right.id;
}

/** A drawing of lines has as many pixels as anybody asks for. */
export function pixelsOf({ mime, width, height }: Candidate | LibraryFile): number {
  return mime === VECTOR ? Number.MAX_SAFE_INTEGER : (width ?? 0) * (height ?? 0);
}

export function isEmpty(text: string | null): boolean {
  return text === null || text.trim() === '';
}
