import {
  isLossless,
  mergingLimits,
  type FileUse,
  type MergedFile,
  type MergeReport,
  type MergeWarning,
} from '../../../plugin/src/contracts/merging';
import type { LocatedUse } from '../usage/contract';
import { groupBy } from '../usage/grouping';
import type { LibraryFile } from '../usage/library-files';
import type { Merge } from './merge-steps';
import { pixelsOf } from './suggestion';

/** Width to height, as parts of it: rounding and cropping a pixel stay below. */
const SHAPE_TOLERANCE = 0.01;

/** Why copies stay in the library that would otherwise go, by file id. */
export type Obstacles = ReadonlyMap<number, string>;

/** Why copies cannot be removed as far as their uses tell, by file id. */
export function obstaclesOf({ copies, uses }: Merge): Map<number, string> {
  const obstacles = new Map<number, string>();
  for (const { id } of copies) {
    const ofCopy = uses.filter(({ fileId }) => fileId === id);
    const count = ofCopy.filter(({ obstacle }) => obstacle !== null).length;
    if (count === 0) continue;
    obstacles.set(id, `${String(count)} of its ${String(ofCopy.length)} uses cannot be changed.`);
  }
  return obstacles;
}

export function createReport(merge: Merge, obstacles: Obstacles): MergeReport {
  const { keep, copies, suggestion, carriedOver } = merge;
  const uses = groupBy(merge.uses, ({ fileId }) => fileId);
  return {
    keepId: keep.id,
    suggestion,
    files: [keep, ...copies].map((file) =>
      describeFile(file, {
        uses: uses.get(file.id) ?? [],
        obstacle: obstacles.get(file.id) ?? null,
        isKept: file === keep,
      }),
    ),
    carriedOver,
    warnings: copies.flatMap((copy) => [
      ...warningsOf(copy, keep),
      ...warningOfLeft(copy, obstacles),
    ]),
  };
}

function describeFile(
  file: LibraryFile,
  { uses, obstacle, isKept }: { uses: LocatedUse[]; obstacle: string | null; isKept: boolean },
): MergedFile {
  const { id, documentId, name, mime, width, height, alternativeText, caption } = file;
  return {
    ...{ id, documentId, name, mime, width, height, alternativeText, caption },
    bytes: Math.round(file.size * 1_000),
    createdAt: file.createdAt.toISOString(),
    outcome: isKept ? 'kept' : obstacle === null ? 'removed' : 'left',
    obstacle,
    useCount: uses.length,
    uses: worstFirst(uses).slice(0, mergingLimits.maxUsesTold).map(toFileUse),
  };
}

function worstFirst(uses: readonly LocatedUse[]): LocatedUse[] {
  return [
    ...uses.filter(({ obstacle }) => obstacle !== null),
    ...uses.filter(({ obstacle }) => obstacle === null),
  ];
}

export function toFileUse(use: LocatedUse): FileUse {
  const { kind, contentType, documentId, entryId, locale, status, path, title, obstacle } = use;
  return { kind, contentType, documentId, entryId, locale, status, path, title, obstacle };
}

function warningsOf(copy: LibraryFile, keep: LibraryFile): MergeWarning[] {
  const warnings: MergeWarning[] = [];
  const warn = (code: MergeWarning['code'], message: string) =>
    warnings.push({ code, fileId: copy.id, message });
  if (pixelsOf(keep) < pixelsOf(copy)) {
    warn('fewer-pixels', `${name(keep)} has fewer pixels than ${name(copy)}.`);
  }
  if (differsInShape(keep, copy)) {
    warn('other-shape', `${name(keep)} is not as wide for its height as ${name(copy)}.`);
  }
  if (isLossless(copy.mime) && !isLossless(keep.mime)) {
    warn('lossy-kept', `${name(copy)} is stored without loss, ${name(keep)} is not.`);
  }
  return warnings;
}

function warningOfLeft(copy: LibraryFile, obstacles: Obstacles): MergeWarning[] {
  const obstacle = obstacles.get(copy.id);
  if (obstacle === undefined) return [];
  const message = `${name(copy)} stays in the library. ${obstacle}`;
  return [{ code: 'file-left', fileId: copy.id, message }];
}

function differsInShape(one: LibraryFile, other: LibraryFile): boolean {
  if (!one.width || !one.height || !other.width || !other.height) return false;
  const ratio = one.width / one.height / (other.width / other.height);
  // A small picture's sides are whole pixels of a large one's shape.
  const rounding = 1 / Math.min(one.width, one.height, other.width, other.height);
  return Math.abs(ratio - 1) > SHAPE_TOLERANCE + rounding;
}

function name(file: LibraryFile): string {
  return `“${file.name}” (${String(file.id)})`;
}
