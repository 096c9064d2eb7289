import type { FileNames, RawUse } from './contract';
import { chunksOf, type DatabaseTables, type TableQuery } from './database-tables';
import { mentions, needlesOf } from './mentions';
import { textTables, type TextField, type TextTable } from './text-fields';

/** Rows read at a time: a rich text may be long. */
const PAGE = 100;
/** Comparisons in one statement: SQLite nests them, and takes 1,000 levels. */
const MOST_COMPARISONS = 200;

/**
 * The texts that name one of these files: one or a few statements for each table that has texts, and one more for
 * each page of rows found. The database reads every row of those tables, so this is for a merge, not for a list.
 */
export async function findTextUses(
  tables: DatabaseTables,
  files: readonly FileNames[],
): Promise<RawUse[]> {
  const uses: RawUse[] = [];
  for (const table of textTables(tables)) {
    const atOnce = Math.max(1, Math.floor(MOST_COMPARISONS / (4 * table.fields.length)));
    for (const some of chunksOf(files, atOnce)) {
      uses.push(...(await findInTable(tables, table, some)));
    }
  }
  return uses;
}

async function findInTable(
  tables: DatabaseTables,
  table: TextTable,
  files: readonly FileNames[],
): Promise<RawUse[]> {
  const uses: RawUse[] = [];
  const columns = ['id', ...table.fields.map(({ column }) => column)];
  for (let lastId = 0; ;) {
    const rows: Record<string, unknown>[] = await tables
      .table(table.tableName)
      .select(columns)
      .where('id', '>', lastId)
      .where((query) => {
        for (const field of table.fields) orContains(tables, query, field, files);
      })
      .orderBy('id')
      .limit(PAGE);
    for (const row of rows) uses.push(...usesOfRow(table, row, files));
    if (rows.length < PAGE) return uses;
    lastId = Number(rows.at(-1)?.['id']);
  }
}

function orContains(
  tables: DatabaseTables,
  query: TableQuery,
  { column, isJson }: TextField,
  files: readonly FileNames[],
): void {
  const cast = tables.strapi.db.dialect.client === 'mysql' ? 'CHAR' : 'text';
  const left = isJson ? `CAST(?? AS ${cast})` : '??';
  for (const needle of new Set(files.flatMap(needlesOf))) {
    const stored = isJson ? JSON.stringify(needle).slice(1, -1) : needle;
    void query.orWhereRaw(`${left} LIKE ? ESCAPE '!'`, [column, `%${escapeLike(stored)}%`]);
  }
}

function usesOfRow(
  { uid, fields }: TextTable,
  row: Record<string, unknown>,
  files: readonly FileNames[],
): RawUse[] {
  return fields.flatMap(({ attribute, column, kind, obstacle }) => {
    const text = textOf(row[column]);
    return files
      .filter((file) => mentions(text, file))
      .map(({ id }) => ({ fileId: id, kind, uid, rowId: Number(row['id']), attribute, obstacle }));
  });
}

/** Databases hand out JSON as text or parsed. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

function escapeLike(text: string): string {
  return text.replace(/[!%_]/g, '!$&');
}
