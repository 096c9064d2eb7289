import { rowKey, type RowField } from './contract';
import { chunksOf, type DatabaseTables } from './database-tables';
import { groupBy } from './grouping';
import { contentModels, findModel, type Model } from './models';

/** The entry that a row belongs to, and the way there: the row itself for an entry's own. */
export interface EntryPath {
  uid: string;
  entryId: number;
  /** `sections[1].slides[0]`; empty for the entry's own row. */
  path: string;
}

type Row = Pick<RowField, 'uid' | 'rowId'>;

/** A component's row in a field of another row. */
interface Link {
  component: Row;
  parent: Row;
  segment: string;
}

/** Components may hold components, and a broken database may hold them in a circle. */
const MOST_LEVELS = 10;

/**
 * Entries that these rows belong to, by `rowKey`. Rows of content types are entries; those of components are followed
 * upwards, a few statements for each model and level, however many rows there are. A row that no entry reaches has none.
 */
export async function findEntryPaths(
  tables: DatabaseTables,
  rows: readonly Row[],
): Promise<Map<string, EntryPath[]>> {
  return followUp(tables, rows, MOST_LEVELS);
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

/** Fields of a model that may hold this component. */
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

/** Where in their lists the components stand, counted from 0: the numbers of their order may have gaps. */
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

/** One table for all components of a model. */
function joinTableName(tables: DatabaseTables, uid: string, field: string): string {
  const attribute = tables.strapi.db.metadata.get(uid).attributes[field];
  return (attribute as unknown as { joinTable: { name: string } }).joinTable.name;
}
