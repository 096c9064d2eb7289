import type { UseObstacle } from '../../../plugin/src/contracts/merging';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { LocatedUse, RowField } from '../usage/contract';
import type { DatabaseTables } from '../usage/database-tables';
import { namesOf, type LibraryFile } from '../usage/library-files';
import { locateUses, readUses, toRawUse, type Uses } from '../usage/usage';
import { describeChanges, fieldKey, type FieldChanges, readMediaFields } from './field-changes';
import { findCarriedOver, type CarriedOver } from './metadata';
import {
  planRelations,
  relationObstacle,
  type TextChange,
  writeRelations,
  type RelationChange,
  repointTexts,
  useKey,
} from './repointing';
import { suggestFile } from './suggestion';

/** A merge that was planned, or done except for its deletions. */
export interface Merge {
  keep: LibraryFile;
  copies: LibraryFile[];
  suggestion: ReturnType<typeof suggestFile>;
  /** Uses of all files, including the kept one, with their obstacles. */
  uses: LocatedUse[];
  carriedOver: CarriedOver;
  /** What is known of the images: pairs of these files, except merged ones. */
  pairs: readonly DuplicatePair[];
  /** The fields that were written; none for a plan. */
  changes: FieldChanges;
}

/** Uses of files, as the database has them, and the entries that they are in. */
export interface FoundUses {
  found: Uses;
  located: LocatedUse[];
}

export async function findUses(
  tables: DatabaseTables,
  files: readonly LibraryFile[],
): Promise<FoundUses> {
  const found = await readUses(tables, files.map(namesOf));
  const located = await locateUses(tables, [...found.relations.map(toRawUse), ...found.others]);
  return { found, located };
}

/** Those of some of the files. */
export function usesAmong({ found, located }: FoundUses, fileIds: readonly number[]): FoundUses {
  const isOne = ({ fileId }: { fileId: number }): boolean => fileIds.includes(fileId);
  return {
    found: { relations: found.relations.filter(isOne), others: found.others.filter(isOne) },
    located: located.filter(isOne),
  };
}

/**
 * Finds all uses of these files and points those of the copies to the kept one. With `isWriting`, call it in a
 * transaction that locks the files' rows; otherwise it reads the same and writes nothing. Without a file to keep, and if
 * none is suggested, it plans to keep the first.
 *
 * @throws ImageSearchError `invalid-input` when it would then write
 */
export async function mergeUses(
  tables: DatabaseTables,
  files: readonly LibraryFile[],
  options: {
    keepId: number | undefined;
    pairs: readonly DuplicatePair[];
    isWriting: boolean;
    /** Of these files, if they are known already. */
    uses?: FoundUses;
  },
): Promise<Merge> {
  const { isWriting, keepId, pairs } = options;
  const { found, located } = options.uses ?? (await findUses(tables, files));
  const suggestion = suggestFile(
    files.map((file) => ({
      ...file,
      useCount: located.filter(
        ({ certainty, fileId }) => fileId === file.id && certainty === 'sure',
      ).length,
    })),
    pairs,
  );
  const wanted = keepId ?? suggestion.fileId;
  if (wanted === null && isWriting) throw undecidedError(files);
  const keep = wanted === null ? files[0] : files.find(({ id }) => id === wanted);
  if (!keep) throw new RangeError(`File ${String(keepId)} is not one of the files to merge.`);
  const copies = files.filter((file) => file !== keep);
  const { change, obstacles } = planRelationChange(tables, found, keep);
  const texts: TextChange[] = [];
  const inTexts = await repointTexts(tables, found.others, {
    keep,
    copies,
    isWriting,
    onWrite: (written) => texts.push(written),
  });
  const fields = isWriting ? changedFields(found, change) : [];
  const before = await readMediaFields(tables, fields);
  if (isWriting) await writeRelations(tables, { keepId: keep.id, change });
  const after = await readMediaFields(tables, fields);
  const uses = located.map((use) => ({
    ...use,
    obstacle:
      use.fileId === keep.id
        ? null
        : (use.obstacle ?? obstacles.get(useKey(use)) ?? inTexts.get(useKey(use)) ?? null),
  }));
  const moved = uses.filter((use) => use.fileId !== keep.id && isMoved(use));
  return {
    keep,
    copies,
    suggestion,
    uses,
    pairs,
    carriedOver: findCarriedOver(keep, copies),
    changes: describeChanges({ fields, before, after, texts }, moved),
  };
}

/** Whether a merge points this use of a copy to the kept file. */
export function isMoved({ certainty, obstacle }: LocatedUse): boolean {
  return obstacle === null && certainty === 'sure';
}

/** The media fields with a row that is changed. */
function changedFields({ relations }: Uses, { repointed, dropped }: RelationChange): RowField[] {
  const ids = new Set([...repointed, ...dropped]);
  const changed = relations.filter(({ id }) => ids.has(id)).map(toRawUse);
  const fields = changed.map(({ uid, rowId, attribute }) => ({ uid, rowId, attribute }));
  return [...new Map(fields.map((field) => [fieldKey(field), field])).values()];
}

function undecidedError(files: readonly LibraryFile[]): ImageSearchError {
  const ids = files.map(({ id }) => String(id)).join(', ');
  return new ImageSearchError({
    code: 'invalid-input',
    message: `keepId: nothing tells which of the files ${ids} is the better one. Name the file to keep.`,
    retryable: false,
  });
}

function planRelationChange(
  tables: DatabaseTables,
  { relations }: Uses,
  keep: LibraryFile,
): { change: RelationChange; obstacles: Map<string, UseObstacle> } {
  const obstacles = new Map<string, UseObstacle>();
  for (const row of relations) {
    const obstacle = relationObstacle(tables, row, keep);
    if (obstacle !== null) obstacles.set(useKey(toRawUse(row)), obstacle);
  }
  const change = planRelations(relations, {
    keepId: keep.id,
    leave: (row) => obstacles.has(useKey(toRawUse(row))),
  });
  return { change, obstacles };
}
