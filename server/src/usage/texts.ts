import type { Core } from '@strapi/strapi';
import type { UseKind, UseObstacle } from '../../../plugin/src/contracts/merging';
import type { FileNames, RawUse } from './contract';
import { chunksOf, type DatabaseTables, type TableQuery } from './database-tables';
import {
  findIdsInJson,
  findIdsInText,
  type IdMention,
  isNamedAfterFiles,
  namesId,
  telltaleWords,
} from './file-ids';
import { contentModels, type Attribute } from './models';
import { obstacle } from './obstacles';

/** Rows read at a time; rich text may be long. */
const PAGE = 100;
/** Comparisons in one statement: SQLite nests them and allows 1,000 levels. */
const MAX_COMPARISONS = 200;

/**
 * The texts that refer to one of these files: a few statements per table with texts, and one more per page of rows
 * found. The database scans those tables, so use this for a merge, not for a list.
 */
export async function findTextUses(
  tables: DatabaseTables,
  files: readonly FileNames[],
): Promise<RawUse[]> {
  const uses: RawUse[] = [];
  for (const table of textTables(tables, TEXT_TYPES)) {
    const atOnce = Math.max(1, Math.floor(MAX_COMPARISONS / (4 * table.fields.length)));
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
      .filter((file) => mentionsByName(text, file))
      .map((file) => ({
        fileId: file.id,
        kind,
        certainty: 'sure' as const,
        mention: null,
        uid,
        rowId: Number(row['id']),
        attribute,
        obstacle,
        ...(kind === 'richtext' && {
          urls: file.urls.filter((url) => urlPattern(url).test(text)),
        }),
      }));
  });
}

/** Depending on the database, JSON columns are parsed or text. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

function escapeLike(text: string): string {
  return text.replace(/[!%_]/g, '!$&');
}

/** Rows read at a time when ids are looked for: most of them only look as if they had one. */
const ID_PAGE = 500;
/** More ids than this are looked for in the rows themselves. */
const MOST_SEARCHED_IDS = 8;
/** Possible uses listed per file: a small number is in many fields. */
const MOST_POSSIBLE = 1_000;

/**
 * Fields that name these files by their numeric ids, or may do so: numbers in JSON and custom fields, and ids in texts.
 * A use is sure if a key or the words before the number say that it is a file; others are listed as possible, at most
 * `MOST_POSSIBLE` per file.
 */
export async function findIdUses(
  tables: DatabaseTables,
  fileIds: readonly number[],
): Promise<RawUse[]> {
  const uses: RawUse[] = [];
  const possible = new Map<number, number>();
  const keep = (use: RawUse): boolean => {
    if (use.certainty === 'sure') return true;
    const count = (possible.get(use.fileId) ?? 0) + 1;
    possible.set(use.fileId, count);
    return count <= MOST_POSSIBLE;
  };
  for (const { fields, ...table } of textTables(tables, [...TEXT_TYPES, ...NUMBER_TYPES])) {
    const telling = fields.filter(
      ({ attribute, isCustom, isNumber }) => !isNumber || isCustom || isNamedAfterFiles(attribute),
    );
    if (telling.length === 0) continue;
    const columns = ['id', ...telling.map(({ column }) => column)];
    for (let lastId = 0; ;) {
      const rows: Record<string, unknown>[] = await tables
        .table(table.tableName)
        .select(columns)
        .where('id', '>', lastId)
        .where((query) => {
          for (const field of telling) orMayHaveId(tables, query, { field, ids: fileIds });
        })
        .orderBy('id')
        .limit(ID_PAGE);
      for (const row of rows) {
        uses.push(...idUsesOfRow({ ...table, fields: telling }, row, fileIds).filter(keep));
      }
      if (rows.length < ID_PAGE) break;
      lastId = Number(rows.at(-1)?.['id']);
    }
  }
  return uses;
}

/** Selects candidates only: a number that is a part of another one is told apart once the row is read. */
function orMayHaveId(
  tables: DatabaseTables,
  query: TableQuery,
  search: { field: TextField; ids: readonly number[] },
): void {
  const { field, ids } = search;
  const { attribute, column, isCustom, isJson, isNumber, kind } = field;
  if (isNumber) {
    void query.orWhereIn(column, [...ids]);
    return;
  }
  const { client } = tables.strapi.db.dialect;
  const types: Record<string, string> = { postgres: 'text', mysql: 'CHAR' };
  const text = client in types ? `CAST(?? AS ${types[client] ?? ''})` : '??';
  const needsWord = !isCustom && (!isJson || kind === 'blocks') && !isNamedAfterFiles(attribute);
  void query.orWhere((both) => {
    void both.whereNotNull(column);
    if (ids.length <= MOST_SEARCHED_IDS) {
      const find = client === 'postgres' ? 'strpos' : 'instr';
      void both.where((any) => {
        for (const id of ids) void any.orWhereRaw(`${find}(${text}, ?) > 0`, [column, String(id)]);
      });
    }
    if (!needsWord) return;
    const like = client === 'postgres' ? 'ILIKE' : 'LIKE';
    void both.where((any) => {
      for (const word of telltaleWords) {
        void any.orWhereRaw(`${text} ${like} ?`, [column, `%${word}%`]);
      }
    });
  });
}

function idUsesOfRow(
  { uid, fields }: TextTable,
  row: Record<string, unknown>,
  ids: readonly number[],
): RawUse[] {
  const wanted = new Set(ids);
  return fields.flatMap((field) => {
    const found = new Map<number, { isSure: boolean; mention: string }>();
    for (const { fileId, ...mention } of idsOfField(field, row[field.column], wanted)) {
      if (!found.has(fileId) || (mention.isSure && found.get(fileId)?.isSure === false)) {
        found.set(fileId, mention);
      }
    }
    return [...found].map(([fileId, { isSure, mention }]) => ({
      fileId,
      kind: 'id' as const,
      certainty: isSure ? ('sure' as const) : ('possible' as const),
      mention,
      uid,
      rowId: Number(row['id']),
      attribute: field.attribute,
      obstacle: isSure ? obstacle('file-id') : null,
    }));
  });
}

function idsOfField(
  { attribute, isCustom, isJson, isNumber, kind }: TextField,
  value: unknown,
  ids: ReadonlySet<number>,
): IdMention[] {
  if (value === null || value === undefined) return [];
  if (kind === 'blocks') return textsIn(value).flatMap((text) => findIdsInText(text, ids));
  if (isJson || isNumber || isCustom) return findIdsInJson(parsed(value), attribute, ids);
  if (typeof value !== 'string') return [];
  // A text that is one number is an id only where the field's name says so.
  if (isNamedAfterFiles(attribute)) return findIdsInJson(value, attribute, ids);
  return findIdsInText(value, ids);
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{"\d]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** All texts in a value, at any depth. */
function textsIn(value: unknown): string[] {
  const content = parsed(value);
  if (typeof content === 'string') return [content];
  if (typeof content !== 'object' || content === null) return [];
  return Object.values(content).flatMap((child) =>
    typeof child === 'string' ? [child] : textsIn(child),
  );
}

export interface TextField {
  attribute: string;
  column: string;
  kind: Exclude<UseKind, 'relation' | 'id'>;
  isJson: boolean;
  isNumber: boolean;
  isCustom: boolean;
  /** Why the plugin doesn't write to it; null if it does. */
  obstacle: UseObstacle | null;
}

interface TextTable {
  uid: string;
  tableName: string;
  fields: TextField[];
}

const TEXT_TYPES = ['string', 'text', 'richtext', 'blocks', 'json'];
const NUMBER_TYPES = ['integer', 'biginteger'];

/** Every table with columns of these types. */
function textTables(tables: DatabaseTables, types: readonly string[]): TextTable[] {
  return contentModels(tables.strapi)
    .map(({ uid, attributes }) => ({
      uid,
      tableName: tables.tableOf(uid),
      fields: Object.entries(attributes).flatMap(([name, attribute]) =>
        isStored(tables.strapi, uid, name) && types.includes(attribute.type)
          ? [toTextField(name, attribute, tables.columnOf(uid, name))]
          : [],
      ),
    }))
    .filter(({ fields }) => fields.length > 0);
}

export function textFieldOf(
  tables: DatabaseTables,
  uid: string,
  name: string,
): TextField | undefined {
  const table = textTables(tables, TEXT_TYPES).find((candidate) => candidate.uid === uid);
  return table?.fields.find(({ attribute }) => attribute === name);
}

function isStored(strapi: Core.Strapi, uid: string, name: string): boolean {
  const attribute = strapi.db.metadata.get(uid).attributes[name];
  return attribute !== undefined && 'columnName' in attribute;
}

function toTextField(name: string, attribute: Attribute, column: string): TextField {
  const { type, customField } = attribute;
  const isJson = type === 'blocks' || type === 'json';
  const isNumber = NUMBER_TYPES.includes(type);
  const field = { attribute: name, column, isJson, isNumber, isCustom: customField !== undefined };
  if (customField !== undefined) {
    return { ...field, kind: 'text', obstacle: obstacle('custom-field', customField) };
  }
  if (type === 'richtext' || type === 'blocks') return { ...field, kind: type, obstacle: null };
  return { ...field, kind: 'text', obstacle: obstacle('field-type', type) };
}

/** Strapi ends an upload's hash with ten random digits; a shorter one may be a common word. */
const SHORTEST_TELLING_HASH = 12;
/** The rest of a longer hash belongs to another file, such as one that was downloaded and uploaded again. */
const REST_OF_ANOTHER_HASH = '\\w*_[0-9a-f]{10}(?!\\w)';

/** The strings of which a text must contain one to refer to the file; the database filters by them. */
export function needlesOf(file: FileNames): string[] {
  return [...idsOf(file), ...addressesOf(file)];
}

/**
 * Whether a text refers to this file: by a URL, encoded or not, by its name in storage, by its document id, or, where
 * its words say so, by its numeric id. If in doubt it does, because a file in use must not be deleted.
 */
export function mentions(text: string, file: FileNames): boolean {
  return mentionsByName(text, file) || namesId(text, file.id);
}

function mentionsByName(text: string, file: FileNames): boolean {
  return (
    idsOf(file).some((id) => containsId(text, id)) ||
    addressesOf(file).some((address) => text.includes(address))
  );
}

/** Matches a URL in a text, with or without a host, but not as the prefix of a longer URL. */
export function urlPattern(url: string): RegExp {
  return new RegExp(`${escapePattern(url)}(?![\\w%/-]|\\.\\w)`, 'g');
}

function idsOf({ documentId, hash }: FileNames): string[] {
  const end = plainEndOf(hash);
  return isDistinctive(end) ? [documentId, end] : [documentId];
}

/** The end of a URL that the file's name in storage doesn't contain. */
function addressesOf({ hash, urls }: FileNames): string[] {
  const end = plainEndOf(hash);
  const ends = urls.flatMap(endsOf);
  return isDistinctive(end) ? ends.filter((address) => !address.includes(end)) : ends;
}

/** An end that is little more than “.png” would match everywhere; then the name is used, plain and encoded. */
function endsOf(url: string): string[] {
  const end = plainEndOf(url);
  if (/^\w{3}/.test(end)) return [end];
  const name = url.slice(url.lastIndexOf('/') + 1);
  return [name, encodeURIComponent(name)];
}

function isDistinctive(name: string): boolean {
  return name.length >= SHORTEST_TELLING_HASH;
}

/** The longest part that is written the same in a URL, HTML, JSON or encoded; all of it if there is none. */
function plainEndOf(name: string): string {
  return /[\w.-]+$/.exec(name)?.[0] ?? name;
}

function containsId(text: string, id: string): boolean {
  return (
    text.includes(id) && new RegExp(`${escapePattern(id)}(?!${REST_OF_ANOTHER_HASH})`).test(text)
  );
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
