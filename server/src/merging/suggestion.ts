import type { SuggestionReason, SuggestionCriterion } from '../../../plugin/src/contracts/merging';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import type { CopyQuality } from '../../../plugin/src/matching/contract';
import type { LibraryFile } from '../usage/library-files';

export interface Candidate extends Pick<
  LibraryFile,
  'id' | 'mime' | 'width' | 'height' | 'alternativeText' | 'caption' | 'createdAt'
> {
  useCount: number;
}

/** What is known of two of the candidates. */
type KnownPair = Pick<DuplicatePair, 'fileA' | 'fileB' | 'status' | 'verdict'>;

/** The file to keep, null if nothing tells which; and what tells it, most important first. */
export interface Suggestion {
  fileId: number | null;
  reasons: SuggestionReason[];
}

/** Larger is better; NaN is unknown, and then nothing less important counts. */
type Criteria = readonly { criterion: SuggestionCriterion; valueOf: (file: Candidate) => number }[];

/**
 * The file that a person would keep: what a merge can't restore first. An unedited image before an edited one, true
 * detail before an enlarged or recompressed copy of it, color before gray, then pixels, uses, texts and age.
 *
 * @param pairs of the candidates among each other; without any between two of them, nothing is suggested
 */
export function suggestFile(
  candidates: readonly Candidate[],
  pairs: readonly KnownPair[],
): Suggestion {
  const nothing: Suggestion = { fileId: null, reasons: [] };
  const known = pairs.filter(({ status }) => status !== 'ignored');
  const [first] = candidates;
  if (!first) throw new RangeError('There are no files to choose from.');
  if (reachedFrom(first.id, known).size < candidates.length) return nothing;
  const criteria = criteriaFor(known);
  let left = candidates;
  for (const { valueOf } of criteria) {
    const values = left.map(valueOf);
    if (values.some(Number.isNaN)) return nothing;
    const best = Math.max(...values);
    left = left.filter((_, index) => values[index] === best);
    if (left.length === 1) break;
  }
  const [best] = left;
  if (!best) return nothing;
  return { fileId: best.id, reasons: reasonsFor(best, { candidates, criteria }) };
}

function reachedFrom(fileId: number, pairs: readonly KnownPair[]): Set<number> {
  const reached = new Set([fileId]);
  for (const here of reached) {
    for (const { fileA, fileB } of pairs) {
      if (fileA === here) reached.add(fileB);
      if (fileB === here) reached.add(fileA);
    }
  }
  return reached;
}

/** Facts in which no file is better and one is worse. */
function reasonsFor(
  best: Candidate,
  { candidates, criteria }: { candidates: readonly Candidate[]; criteria: Criteria },
): SuggestionReason[] {
  const others = candidates.filter((candidate) => candidate !== best);
  return criteria.flatMap(({ criterion, valueOf }) => {
    const value = valueOf(best);
    const values = others.map(valueOf);
    const isBest = values.every((other) => other <= value) && values.some((other) => other < value);
    if (!isBest) return [];
    return [{ criterion, value: shown(value), others: shown(Math.max(...values)) }];
  });
}

/** A vector image has any number of pixels. */
function shown(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

const VECTOR = 'image/svg+xml';
/** Shares of the other's detail below which an image lost some when it was compressed, and below which it has less. */
const LOST_DETAIL = 0.9;
const LESS_DETAIL = 0.98;

function criteriaFor(pairs: readonly KnownPair[]): Criteria {
  const marks = pairs.flatMap(marksOf);
  const isMarked = (mark: Mark['mark']) => {
    const marked = new Set(marks.filter((one) => one.mark === mark).map(({ fileId }) => fileId));
    return (file: Candidate): number => (marked.has(file.id) ? 0 : 1);
  };
  const isUnclear = isMarked('unclear');
  const isUnedited = isMarked('edited');
  return [
    {
      criterion: 'unedited',
      valueOf: (file) => (isUnclear(file) === 0 ? Number.NaN : isUnedited(file)),
    },
    { criterion: 'detail', valueOf: isMarked('less-detail') },
    { criterion: 'color', valueOf: isMarked('gray') },
    { criterion: 'pixels', valueOf: pixelsOf },
    { criterion: 'compression', valueOf: isMarked('compressed') },
    { criterion: 'usage', valueOf: ({ useCount }) => useCount },
    {
      criterion: 'texts',
      valueOf: ({ alternativeText, caption }) =>
        [alternativeText, caption].filter((text) => !isEmpty(text)).length,
    },
    { criterion: 'age', valueOf: ({ createdAt }) => -createdAt.getTime() },
  ];
}

interface Mark {
  fileId: number;
  /** `unclear`: one of two is an edit of the other, but not which. */
  mark: 'unclear' | 'edited' | 'less-detail' | 'gray' | 'compressed';
}

function marksOf({ fileA, fileB, verdict }: KnownPair): Mark[] {
  if (verdict.kind === 'identical') return [];
  const quality = verdict.pixels?.quality;
  const sides = { one: fileA, other: fileB };
  const marks: Mark[] = [];
  const mark = (side: 'one' | 'other' | null, name: Mark['mark']) => {
    if (side !== null) marks.push({ fileId: sides[side], mark: name });
  };
  if (verdict.kind === 'edited' && !quality?.edited) {
    mark('one', 'unclear');
    mark('other', 'unclear');
  }
  if (!quality) return marks;
  mark(quality.edited?.side ?? null, 'edited');
  mark(quality.upscaled, 'less-detail');
  mark(quality.gray, 'gray');
  mark(lessDetailed(quality, LOST_DETAIL), 'less-detail');
  mark(lessDetailed(quality, LESS_DETAIL), 'compressed');
  return marks;
}

function lessDetailed({ detail }: CopyQuality, bound: number): 'one' | 'other' | null {
  if (!detail) return null;
  if (detail.one < bound) return 'one';
  return detail.other < bound ? 'other' : null;
}

/** A vector image scales to any size; NaN when the size isn't known. */
export function pixelsOf({
  mime,
  width,
  height,
}: Pick<LibraryFile, 'mime' | 'width' | 'height'>): number {
  if (mime === VECTOR) return Number.POSITIVE_INFINITY;
  return width && height ? width * height : NaN;
}

export function isEmpty(text: string | null): boolean {
  return text === null || text.trim() === '';
}
