import type { DatabaseTables } from '../usage/database-tables';
import type { LocatedUse } from '../usage/contract';
import { namesOf, type LibraryFile } from '../usage/library-files';
import { locateUses, readUses, toRawUse, type Uses } from '../usage/usage';
import { findCarriedOver, type CarriedOver } from './metadata';
import {
  planRelations,
  relationObstacle,
  writeRelations,
  type RelationChange,
} from './relation-repointing';
import { suggestFile } from './suggestion';
import { repointTexts, useKey } from './text-repointing';

/** A merge that was thought through, or done but for its deletions. */
export interface Merge {
  keep: LibraryFile;
  copies: LibraryFile[];
  suggestion: ReturnType<typeof suggestFile>;
  /** Uses of all files, the kept one included; obstacles told. */
  uses: LocatedUse[];
  carriedOver: CarriedOver;
}

/**
 * Finds all uses of these files and makes those of the copies use the kept one. With `isWriting` it belongs into a
 * transaction that holds the rows of the files; without, it reads the same and writes nothing.
 */
export async function mergeUses(
  tables: DatabaseTables,
  files: readonly LibraryFile[],
  { keepId, isWriting }: { keepId: number | undefined; isWriting: boolean },
): Promise<Merge> {
  const found = await readUses(tables, files.map(namesOf));
  const located = await locateUses(tables, [...found.relations.map(toRawUse), ...found.others]);
  const suggestion = suggestFile(
    files.map((file) => ({
      ...file,
      useCount: located.filter(({ fileId }) => fileId === file.id).length,
    })),
  );
  const keep = files.find(({ id }) => id === (keepId ?? suggestion.fileId));
  if (!keep) throw new RangeError(`File ${String(keepId)} is not among the files to merge.`);
  const copies = files.filter((file) => file !== keep);
  const { change, obstacles } = planRelationChange(tables, found, keep);
  const inTexts = await repointTexts(tables, found.others, { keep, copies, isWriting });
  if (isWriting) await writeRelations(tables, { keepId: keep.id, change });
  const uses = located.map((use) => ({
    ...use,
    obstacle:
      use.fileId === keep.id
        ? null
        : (use.obstacle ?? obstacles.get(useKey(use)) ?? inTexts.get(useKey(use)) ?? null),
  }));
  return { keep, copies, suggestion, uses, carriedOver: findCarriedOver(keep, copies) };
}

function planRelationChange(
  tables: DatabaseTables,
  { relations }: Uses,
  keep: LibraryFile,
): { change: RelationChange; obstacles: Map<string, string> } {
  const obstacles = new Map<string, string>();
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
