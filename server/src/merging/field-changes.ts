import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { fileUseSchema, type FileUse } from '../../../plugin/src/contracts/merging';
import type { LocatedUse, RowField } from '../usage/contract';
import { chunksOf, type DatabaseTables, groupBy } from '../usage/database-tables';
import { rowKey } from '../usage/entries';
import { namesOf, type LibraryFile } from '../usage/library-files';
import { relationTable } from '../usage/relations';
import { mentions, textFieldOf } from '../usage/texts';
import { toFileUse } from '../usage/usage';
import { readValues, writeValue, type TextChange } from './repointing';

const fieldSchema = z.object({
  uid: z.string(),
  rowId: z.number(),
  attribute: z.string(),
  /** The uses of copies that were in this field. */
  uses: z.array(fileUseSchema),
});

/** A row of the table of media fields, with all its columns. */
const relationRowSchema = z.looseObject({ id: z.number() });

/** The values of the fields that a merge changed, before and after, as the database had them. */
export const fieldChangesSchema = z.object({
  /** Media fields: their rows in field order. */
  relations: z.array(
    fieldSchema.extend({ before: z.array(relationRowSchema), after: z.array(relationRowSchema) }),
  ),
  texts: z.array(fieldSchema.extend({ before: z.unknown(), after: z.unknown() })),
});

export type FieldChanges = z.output<typeof fieldChangesSchema>;
type RelationChange = FieldChanges['relations'][number];
type StoredTextChange = FieldChanges['texts'][number];
type RelationRow = z.output<typeof relationRowSchema>;

/** Identifies a field of a row. */
export function fieldKey(field: RowField): string {
  return `${rowKey(field)}.${field.attribute}`;
}

/** The rows of these media fields in field order, by `fieldKey`; fields without rows are missing. */
export async function readMediaFields(
  tables: DatabaseTables,
  fields: readonly RowField[],
  { lock = false } = {},
): Promise<Map<string, RelationRow[]>> {
  const { name, ownerColumn, typeColumn } = relationTable(tables);
  const found = new Map<string, RelationRow[]>();
  for (const some of groupBy(fields, ({ uid, attribute }) => `${uid} ${attribute}`).values()) {
    const [{ uid, attribute } = { uid: '', attribute: '' }] = some;
    for (const ids of chunksOf(new Set(some.map(({ rowId }) => rowId)))) {
      const query = tables.table(name).select('*');
      if (lock) void query.forUpdate();
      const rows: unknown[] = await query
        .where({ [typeColumn]: uid, field: attribute })
        .whereIn(ownerColumn, ids)
        .orderBy(['order', 'id']);
      const parsed = z.array(relationRowSchema).parse(rows);
      for (const [rowId, ofField] of groupBy(parsed, (row) => Number(row[ownerColumn]))) {
        found.set(fieldKey({ uid, rowId, attribute }), ofField);
      }
    }
  }
  return found;
}

/** What a merge changed, with the uses of copies that were there. */
export function describeChanges(
  written: {
    fields: readonly RowField[];
    before: ReadonlyMap<string, RelationRow[]>;
    after: ReadonlyMap<string, RelationRow[]>;
    texts: readonly TextChange[];
  },
  uses: readonly LocatedUse[],
): FieldChanges {
  const byField = groupBy(uses, ({ row }) => fieldKey(row));
  const usesIn = (field: RowField): FileUse[] =>
    (byField.get(fieldKey(field)) ?? []).map(toFileUse);
  const relations = written.fields.flatMap((field) => {
    const before = written.before.get(fieldKey(field)) ?? [];
    const after = written.after.get(fieldKey(field)) ?? [];
    return isDeepStrictEqual(before, after)
      ? []
      : [{ ...field, uses: usesIn(field), before, after }];
  });
  return { relations, texts: written.texts.map((text) => ({ ...text, uses: usesIn(text) })) };
}

export interface RestoreOptions {
  keptId: number;
  isKeptThere: boolean;
  /** Copies that exist. */
  present: readonly LibraryFile[];
  /** Copies that are gone, as they were. */
  lost: readonly LibraryFile[];
}

export interface Restored {
  restoredUses: number;
  unrestored: { use: FileUse; reason: 'changed' | 'file-gone' }[];
}

/** Gives fields back what they had before the merge, except those whose value isn't what the merge wrote. */
export async function restoreFields(
  tables: DatabaseTables,
  { relations, texts }: FieldChanges,
  options: RestoreOptions,
): Promise<Restored> {
  const restored: Restored = { restoredUses: 0, unrestored: [] };
  const settle = ({ uses }: { uses: FileUse[] }, outcome: Outcome): void => {
    if (outcome === 'restored') restored.restoredUses += uses.length;
    else restored.unrestored.push(...uses.map((use) => ({ use, reason: outcome })));
  };
  const current = await readMediaFields(tables, relations, { lock: true });
  for (const change of relations) {
    const rows = current.get(fieldKey(change)) ?? [];
    settle(change, await restoreMediaField(tables, change, { ...options, current: rows }));
  }
  for (const change of texts) settle(change, await restoreText(tables, change, options));
  return restored;
}

type Outcome = 'restored' | 'changed' | 'file-gone';

async function restoreMediaField(
  tables: DatabaseTables,
  { before, after }: RelationChange,
  options: RestoreOptions & { current: readonly RelationRow[] },
): Promise<Outcome> {
  const { current, isKeptThere, keptId } = options;
  const { name, fileColumn } = relationTable(tables);
  const fileOf = (row: RelationRow): number => Number(row[fileColumn]);
  // Deleting the kept file takes it out of the fields that had it.
  const written = after.map(fileOf).filter((id) => isKeptThere || id !== keptId);
  if (!isDeepStrictEqual(current.map(fileOf), written)) return 'changed';
  const wanted = restorableRows(before, { ...options, fileColumn });
  if (isDeepStrictEqual(wanted.map(fileOf), written)) return 'file-gone';
  const currentIds = current.map(({ id }) => id);
  // Rows get other ids when somebody saves the entry without a change of the field.
  const isUntouched = after
    .filter((row) => isKeptThere || fileOf(row) !== keptId)
    .every(({ id }) => currentIds.includes(id));
  if (isUntouched) {
    const kept = wanted.filter(({ id }) => currentIds.includes(id));
    for (const { id, ...row } of kept) await tables.table(name).where({ id }).update(row);
    const keptIds = kept.map(({ id }) => id);
    const extra = currentIds.filter((id) => !keptIds.includes(id));
    await tables.table(name).whereIn('id', extra).delete();
    for (const row of wanted.filter(({ id }) => !keptIds.includes(id))) {
      await tables.table(name).insert(row);
    }
  } else {
    await tables.table(name).whereIn('id', currentIds).delete();
    for (const row of wanted) {
      const columns = Object.entries(row).filter(([column]) => column !== 'id');
      await tables.table(name).insert(Object.fromEntries(columns));
    }
  }
  return 'restored';
}

/** The rows from before the merge, where a copy that is gone is still replaced by the kept file. */
function restorableRows(
  before: readonly RelationRow[],
  { fileColumn, isKeptThere, keptId, lost }: RestoreOptions & { fileColumn: string },
): RelationRow[] {
  const gone = new Set(lost.map(({ id }) => id));
  let hasKept = before.some((row) => Number(row[fileColumn]) === keptId);
  return before.flatMap((row) => {
    const fileId = Number(row[fileColumn]);
    if (fileId === keptId) return isKeptThere ? [row] : [];
    if (!gone.has(fileId)) return [row];
    if (hasKept || !isKeptThere) return [];
    hasKept = true;
    return [{ ...row, [fileColumn]: keptId }];
  });
}

async function restoreText(
  tables: DatabaseTables,
  { uid, rowId, attribute, before, after }: StoredTextChange,
  { lost }: RestoreOptions,
): Promise<Outcome> {
  const field = textFieldOf(tables, uid, attribute);
  if (!field) return 'changed';
  const values = await readValues(tables, { uid, field, rowIds: [rowId], lock: true });
  if (!values.has(rowId) || !isSameJson(values.get(rowId), after)) return 'changed';
  const text = typeof before === 'string' ? before : JSON.stringify(before);
  if (lost.some((file) => mentions(text, namesOf(file)))) return 'file-gone';
  await writeValue(tables, { uid, field, rowId, value: before });
  return 'restored';
}

/** Databases may reorder the keys of an object. */
function isSameJson(one: unknown, other: unknown): boolean {
  const [left, right] = [one, other].map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  return isDeepStrictEqual(left, right);
}
