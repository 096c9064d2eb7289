import type { UseObstacle } from '../../../plugin/src/contracts/merging';
import type { LocatedUse, RawUse, RowField } from '../usage/contract';
import { chunksOf, type DatabaseTables, groupBy } from '../usage/database-tables';
import { rowKey } from '../usage/entries';
import type { LibraryFile } from '../usage/library-files';
import { findModel } from '../usage/models';
import { obstacle } from '../usage/obstacles';
import { relationTable, type RelationRow } from '../usage/relations';
import { textFieldOf, type TextField } from '../usage/texts';
import { rewriteAddresses, type Rewriting, rewriteBlocks } from './text-rewriting';

/** Rows read at a time: a rich text may be long. */
const PAGE = 100;

interface TextRepointing {
  keep: LibraryFile;
  copies: readonly LibraryFile[];
  /** False: find out what would be written, but write nothing. */
  isWriting: boolean;
  /** Called for each field that was written. */
  onWrite: (change: TextChange) => void;
}

/** The value of a text field before and after a merge; of JSON, parsed. */
export interface TextChange extends RowField {
  before: unknown;
  after: unknown;
}

/** Identifies one file's use of one field. */
export function useKey(
  use: (Pick<RawUse, 'fileId'> & RowField) | Pick<LocatedUse, 'fileId' | 'row'>,
): string {
  const row = 'row' in use ? use.row : use;
  return `${String(use.fileId)} ${rowKey(row)}.${row.attribute}`;
}

/**
 * Makes rich text and blocks that embed a copy embed the kept file. Bypasses the models, like `writeRelations`.
 *
 * @returns why a use could not be rewritten, by `useKey`
 */
export async function repointTexts(
  tables: DatabaseTables,
  uses: readonly RawUse[],
  options: TextRepointing,
): Promise<Map<string, UseObstacle>> {
  const copies = new Map(options.copies.map((copy) => [copy.id, copy]));
  const ofCopies = uses.filter(
    ({ fileId, kind, obstacle }) => copies.has(fileId) && obstacle === null && kind !== 'id',
  );
  const obstacles = new Map<string, UseObstacle>();
  const fields = groupBy(ofCopies, ({ uid, attribute }) => `${uid}.${attribute}`);
  for (const inField of fields.values()) {
    const [{ uid, attribute } = { uid: '', attribute: '' }] = inField;
    const field = textFieldOf(tables, uid, attribute);
    if (!field) continue;
    const byRow = groupBy(inField, ({ rowId }) => rowId);
    for (const rowIds of chunksOf(byRow.keys(), PAGE)) {
      const values = await readValues(tables, { uid, field, rowIds, lock: options.isWriting });
      for (const [rowId, before] of values) {
        let value = before;
        for (const use of byRow.get(rowId) ?? []) {
          const copy = copies.get(use.fileId);
          if (!copy) continue;
          const rewriting = rewrite(field, value, { copy, keep: options.keep });
          if (rewriting.obstacle !== null) obstacles.set(useKey(use), rewriting.obstacle);
          value = rewriting.value;
        }
        if (options.isWriting && value !== before) {
          await writeValue(tables, { uid, field, rowId, value });
          options.onWrite({ uid, rowId, attribute, before, after: value });
        }
      }
    }
  }
  return obstacles;
}

function rewrite(
  { kind }: TextField,
  value: unknown,
  files: { copy: LibraryFile; keep: LibraryFile },
): Rewriting<unknown> {
  if (kind === 'blocks') return rewriteBlocks(value, files);
  if (typeof value === 'string') return rewriteAddresses(value, files);
  return { value, obstacle: obstacle('no-text') };
}

export async function readValues(
  tables: DatabaseTables,
  options: { uid: string; field: TextField; rowIds: number[]; lock: boolean },
): Promise<Map<number, unknown>> {
  const { uid, field, rowIds, lock } = options;
  const query = tables.table(tables.tableOf(uid)).select(['id', field.column]);
  // Locked, so that nothing saved after this read is overwritten.
  if (lock) void query.forUpdate();
  const rows: Record<string, unknown>[] = await query.whereIn('id', rowIds).orderBy('id');
  return new Map(rows.map((row) => [Number(row['id']), parse(field, row[field.column])]));
}

export async function writeValue(
  tables: DatabaseTables,
  options: { uid: string; field: TextField; rowId: number; value: unknown },
): Promise<void> {
  const { uid, field, rowId, value } = options;
  await tables
    .table(tables.tableOf(uid))
    .where('id', rowId)
    .update({ [field.column]: field.isJson ? JSON.stringify(value) : value });
}

/** Depending on the database, JSON columns are parsed or text. */
function parse({ isJson }: TextField, value: unknown): unknown {
  return isJson && typeof value === 'string' ? JSON.parse(value) : value;
}

/**
 * The relation rows to change so that media fields have the kept file instead of a copy: once, at the earliest position
 * of any of the files.
 */
export interface RelationChange {
  /** Rows that will reference the kept file; their position in the field stays. */
  repointed: number[];
  /** Rows to delete, because an earlier one of their field references the kept file or will. */
  dropped: number[];
}

/** @param rows of the kept file and of the copies, in field order */
export function planRelations(
  rows: readonly RelationRow[],
  { keepId, leave }: { keepId: number; leave: (row: RelationRow) => boolean },
): RelationChange {
  const change: RelationChange = { repointed: [], dropped: [] };
  const fields = groupBy(rows, (row) => `${row.ownerUid}#${String(row.ownerId)}.${row.field}`);
  for (const inField of fields.values()) {
    const moving = inField.filter((row) => row.fileId === keepId || !leave(row));
    // A field that has only the kept file stays as it is, even if it has it twice.
    if (moving.every(({ fileId }) => fileId === keepId)) continue;
    const [first, ...later] = moving;
    if (first && first.fileId !== keepId) change.repointed.push(first.id);
    change.dropped.push(...later.map(({ id }) => id));
  }
  return change;
}

/** Bypasses the models: a merge gives no entry a new date or version, and runs no hooks. */
export async function writeRelations(
  tables: DatabaseTables,
  { keepId, change }: { keepId: number; change: RelationChange },
): Promise<void> {
  const { name, fileColumn } = relationTable(tables);
  for (const ids of chunksOf(change.repointed)) {
    await tables
      .table(name)
      .whereIn('id', ids)
      .update({ [fileColumn]: keepId });
  }
  for (const ids of chunksOf(change.dropped)) {
    await tables.table(name).whereIn('id', ids).delete();
  }
}

/** Why a media field can't have this file; null if it can. */
export function relationObstacle(
  { strapi }: DatabaseTables,
  row: RelationRow,
  keep: LibraryFile,
): UseObstacle | null {
  const allowed = findModel(strapi, row.ownerUid)?.attributes[row.field]?.allowedTypes;
  if (allowed === undefined || allowed.length === 0 || allowed.includes(kindOf(keep))) return null;
  return obstacle('file-type', keep.mime);
}

/** The file's type as named in the settings of media fields. */
function kindOf({ mime }: LibraryFile): string {
  const [type = ''] = mime.split('/');
  return ['image', 'video', 'audio'].includes(type) ? `${type}s` : 'files';
}
