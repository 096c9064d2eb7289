import type { LocatedUse, RawUse, RowField } from '../usage/contract';
import { rowKey } from '../usage/contract';
import { chunksOf, type DatabaseTables } from '../usage/database-tables';
import { groupBy } from '../usage/grouping';
import type { LibraryFile } from '../usage/library-files';
import { textFieldOf, type TextField } from '../usage/text-fields';
import { rewriteAddresses, type Rewriting } from './address-rewriting';
import { rewriteBlocks } from './blocks-rewriting';

/** Rows read at a time: a rich text may be long. */
const PAGE = 100;

export interface TextRepointing {
  keep: LibraryFile;
  copies: readonly LibraryFile[];
  /** False: find out what could be written, write nothing. */
  isWriting: boolean;
}

/** Tells a file's use of a field from every other. */
export function useKey(
  use: (Pick<RawUse, 'fileId'> & RowField) | Pick<LocatedUse, 'fileId' | 'row'>,
): string {
  const row = 'row' in use ? use.row : use;
  return `${String(use.fileId)} ${rowKey(row)}.${row.attribute}`;
}

/**
 * Makes rich texts and blocks that embed a copy embed the kept file. Writes past the models, like the relations.
 *
 * @returns why what could not be rewritten was not, by `useKey`
 */
export async function repointTexts(
  tables: DatabaseTables,
  uses: readonly RawUse[],
  options: TextRepointing,
): Promise<Map<string, string>> {
  const copies = new Map(options.copies.map((copy) => [copy.id, copy]));
  const ofCopies = uses.filter(({ fileId, obstacle }) => copies.has(fileId) && obstacle === null);
  const obstacles = new Map<string, string>();
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
  return { value, obstacle: 'The field holds no text.' };
}

async function readValues(
  tables: DatabaseTables,
  options: { uid: string; field: TextField; rowIds: number[]; lock: boolean },
): Promise<Map<number, unknown>> {
  const { uid, field, rowIds, lock } = options;
  const query = tables.table(tables.tableOf(uid)).select(['id', field.column]);
  // Who saves the entry meanwhile waits, so that nothing which was saved after this read is overwritten.
  if (lock) void query.forUpdate();
  const rows: Record<string, unknown>[] = await query.whereIn('id', rowIds).orderBy('id');
  return new Map(rows.map((row) => [Number(row['id']), parse(field, row[field.column])]));
}

async function writeValue(
  tables: DatabaseTables,
  options: { uid: string; field: TextField; rowId: number; value: unknown },
): Promise<void> {
  const { uid, field, rowId, value } = options;
  await tables
    .table(tables.tableOf(uid))
    .where('id', rowId)
    .update({ [field.column]: field.isJson ? JSON.stringify(value) : value });
}

/** Databases hand out JSON as text or parsed. */
function parse({ isJson }: TextField, value: unknown): unknown {
  return isJson && typeof value === 'string' ? JSON.parse(value) : value;
}
