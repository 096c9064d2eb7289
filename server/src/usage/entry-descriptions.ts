import type { Core } from '@strapi/strapi';
import type { FileUse } from '../../../plugin/src/contracts/merging';
import { rowKey } from './contract';
import { chunksOf, type DatabaseTables } from './database-tables';
import { groupBy } from './grouping';
import { findModel, type Model } from './models';

export type EntryDescription = Pick<
  FileUse,
  'contentType' | 'documentId' | 'entryId' | 'locale' | 'status' | 'title'
>;

const TITLE_TYPES = ['string', 'text', 'uid', 'email', 'enumeration'];

/** What the panel calls these entries, by `rowKey`; entries that are gone are left out. */
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

/** The field by which the Content Manager names entries, when that is a text of their own. */
async function titleAttribute(
  strapi: Core.Strapi,
  { uid, attributes }: Model,
): Promise<string | undefined> {
  const service = strapi.plugin('content-manager').service<Configurations>('content-types');
  const { settings } = await service.findConfiguration({ uid });
  const name = settings?.mainField;
  if (name === undefined || !TITLE_TYPES.includes(attributes[name]?.type ?? '')) return undefined;
  return name;
}
