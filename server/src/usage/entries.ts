import type { Core } from '@strapi/strapi';
import type { FileUse } from '../../../plugin/src/contracts/merging';
import type { RowField } from './contract';
import { chunksOf, type DatabaseTables, groupBy } from './database-tables';
import { contentModels, findModel, type Model } from './models';

/** The entry that a row belongs to, and the path from the entry to the row. */
interface EntryPath {
  uid: string;
  entryId: number;
  /** Such as `sections[1].slides[0]`; empty for the entry's own row. */
  path: string;
}

type Row = Pick<RowField, 'uid' | 'rowId'>;

/** A component's row and the row whose field contains it. */
interface Link {
  component: Row;
  parent: Row;
  segment: string;
}

/** Components may be nested, and in a broken database endlessly. */
const MAX_LEVELS = 10;

/** Identifies a row across tables. */
export function rowKey({ uid, rowId }: Row): string {
  return `${uid}#${String(rowId)}`;
}

/**
 * Entries that these rows belong to, by `rowKey`. Rows of content types are entries; rows of components are followed
 * upward with a few statements per model and level, however many rows there are. An orphaned row has no entries.
 */
export async function findEntryPaths(
  tables: DatabaseTables,
  rows: readonly Row[],
): Promise<Map<string, EntryPath[]>> {
  return followUp(tables, rows, MAX_LEVELS);
}

async function followUp(
  tables: DatabaseTables,
  rows: readonly Row[],
  levels: number,
): Promise<Map<string, EntryPath[]>> {
  const paths = new Map<string, EntryPath[]>();
  const components: Row[] = [];
  for (const row of rows) {
    const kind = findModel(tables.strapi, row.uid)?.kind;
    if (kind === 'component') components.push(row);
    else if (kind) paths.set(rowKey(row), [{ uid: row.uid, entryId: row.rowId, path: '' }]);
  }
  if (components.length === 0 || levels === 0) return paths;
  const links = await findParents(tables, components);
  const parents = await followUp(
    tables,
    links.map(({ parent }) => parent),
    levels - 1,
  );
  for (const { component, parent, segment } of links) {
    const own = paths.get(rowKey(component)) ?? [];
    for (const above of parents.get(rowKey(parent)) ?? []) {
      const path = above.path === '' ? segment : `${above.path}.${segment}`;
      own.push({ ...above, path });
    }
    paths.set(rowKey(component), own);
  }
  return paths;
}

async function findParents(tables: DatabaseTables, components: readonly Row[]): Promise<Link[]> {
  const byUid = groupBy(components, ({ uid }) => uid);
  const links: Link[] = [];
  for (const [uid, rows] of byUid) {
    const ids = new Set(rows.map(({ rowId }) => rowId));
    for (const model of contentModels(tables.strapi)) {
      const fields = fieldsFor(model, uid);
      if (fields.length === 0) continue;
      for (const some of chunksOf(ids)) {
        links.push(...(await findLinks(tables, model, { uid, ids: some, fields })));
      }
    }
  }
  return links;
}

/** Fields of a model that may contain this component. */
function fieldsFor({ attributes }: Model, component: string): string[] {
  return Object.entries(attributes)
    .filter(
      ([, attribute]) =>
        attribute.component === component || attribute.components?.includes(component) === true,
    )
    .map(([name]) => name);
}

interface JoinRow {
  entity_id: number;
  cmp_id: number;
  component_type: string;
  field: string;
}

async function findLinks(
  tables: DatabaseTables,
  model: Model,
  { uid, ids, fields }: { uid: string; ids: number[]; fields: string[] },
): Promise<Link[]> {
  const name = joinTableName(tables, model.uid, fields[0] ?? '');
  const columns = ['entity_id', 'cmp_id', 'component_type', 'field'];
  const found: JoinRow[] = await tables
    .table(name)
    .select(columns)
    .where('component_type', uid)
    .whereIn('cmp_id', ids)
    .whereIn('field', fields);
  const positions = await readPositions(tables, { name, model, found });
  return found.map((row) => {
    const position = positions.get(positionKey(row));
    return {
      component: { uid, rowId: row.cmp_id },
      parent: { uid: model.uid, rowId: row.entity_id },
      segment: position === undefined ? row.field : `${row.field}[${String(position)}]`,
    };
  });
}

/** Positions of components in their lists, from 0: the stored order may have gaps. */
async function readPositions(
  tables: DatabaseTables,
  { name, model, found }: { name: string; model: Model; found: readonly JoinRow[] },
): Promise<Map<string, number>> {
  const positions = new Map<string, number>();
  const lists = new Set(found.map(({ field }) => field).filter((field) => isList(model, field)));
  if (lists.size === 0) return positions;
  for (const ids of chunksOf(new Set(found.map((row) => row.entity_id)))) {
    const rows: JoinRow[] = await tables
      .table(name)
      .select(['entity_id', 'cmp_id', 'component_type', 'field'])
      .whereIn('entity_id', ids)
      .whereIn('field', [...lists])
      .orderBy(['order', 'id']);
    const counts = new Map<string, number>();
    for (const row of rows) {
      const list = `${String(row.entity_id)} ${row.field}`;
      const position = counts.get(list) ?? 0;
      counts.set(list, position + 1);
      positions.set(positionKey(row), position);
    }
  }
  return positions;
}

function positionKey({ entity_id, cmp_id, component_type, field }: JoinRow): string {
  return [entity_id, field, component_type, cmp_id].join(' ');
}

function isList({ attributes }: Model, field: string): boolean {
  const attribute = attributes[field];
  return attribute?.type === 'dynamiczone' || attribute?.repeatable === true;
}

/** The table that links a model to all its components. */
function joinTableName(tables: DatabaseTables, uid: string, field: string): string {
  const attribute = tables.strapi.db.metadata.get(uid).attributes[field];
  return (attribute as unknown as { joinTable: { name: string } }).joinTable.name;
}

type EntryDescription = Pick<
  FileUse,
  'contentType' | 'documentId' | 'entryId' | 'locale' | 'status' | 'title'
>;

const TITLE_TYPES = ['string', 'text', 'uid', 'email', 'enumeration'];

/** Descriptions of these entries for the panel, by `rowKey`, without entries that were deleted. */
export async function describeEntries(
  tables: DatabaseTables,
  entries: readonly { uid: string; entryId: number }[],
): Promise<Map<string, EntryDescription>> {
  const descriptions = new Map<string, EntryDescription>();
  for (const [uid, ofModel] of groupBy(entries, (entry) => entry.uid)) {
    const model = findModel(tables.strapi, uid);
    if (!model || model.kind === 'component') continue;
    const columns = await columnsOf(tables, model);
    for (const ids of chunksOf(new Set(ofModel.map(({ entryId }) => entryId)))) {
      const rows: Record<string, unknown>[] = await tables
        .table(tables.tableOf(uid))
        .select(['id', ...Object.values(columns)])
        .whereIn('id', ids);
      for (const row of rows) {
        const description = describe(model, columns, row);
        descriptions.set(rowKey({ uid, rowId: description.entryId }), description);
      }
    }
  }
  return descriptions;
}

interface Columns {
  documentId: string;
  locale?: string;
  publishedAt?: string;
  title?: string;
}

async function columnsOf(tables: DatabaseTables, model: Model): Promise<Columns> {
  const { uid } = model;
  const title = await titleAttribute(tables.strapi, model);
  return {
    documentId: tables.columnOf(uid, 'documentId'),
    ...(model.isLocalized && { locale: tables.columnOf(uid, 'locale') }),
    ...(model.hasDrafts && { publishedAt: tables.columnOf(uid, 'publishedAt') }),
    ...(title !== undefined && { title: tables.columnOf(uid, title) }),
  };
}

function describe(
  { uid, displayName, kind }: Model,
  columns: Columns,
  row: Record<string, unknown>,
): EntryDescription {
  const { documentId, locale, publishedAt, title } = columns;
  return {
    contentType: { uid, displayName, kind: kind === 'singleType' ? kind : 'collectionType' },
    entryId: Number(row['id']),
    documentId: textOf(row[documentId]),
    locale: locale === undefined ? null : textOf(row[locale]),
    status: publishedAt === undefined ? null : row[publishedAt] === null ? 'draft' : 'published',
    title: title === undefined ? null : textOf(row[title]),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

interface Configurations {
  findConfiguration(model: { uid: string }): Promise<{ settings?: { mainField?: string } }>;
}

/** The Content Manager's main field of a model, if it is a text attribute. */
export async function titleAttribute(
  strapi: Core.Strapi,
  { uid, attributes }: Model,
): Promise<string | undefined> {
  const service = strapi.plugin('content-manager').service<Configurations>('content-types');
  const { settings } = await service.findConfiguration({ uid });
  const name = settings?.mainField;
  if (name === undefined || !TITLE_TYPES.includes(attributes[name]?.type ?? '')) return undefined;
  return name;
}
