import type { Core } from '@strapi/strapi';
import type { UseKind } from '../../../plugin/src/contracts/merging';
import type { DatabaseTables } from './database-tables';
import { contentModels, type Attribute } from './models';

export interface TextField {
  attribute: string;
  column: string;
  kind: Exclude<UseKind, 'relation'>;
  isJson: boolean;
  /** Why the product does not write into it; null when it does. */
  obstacle: string | null;
}

export interface TextTable {
  uid: string;
  tableName: string;
  fields: TextField[];
}

const TEXT_TYPES = ['string', 'text', 'richtext', 'blocks', 'json'];

/** Every table with columns in which people or programs may have written a file's address. */
export function textTables(tables: DatabaseTables): TextTable[] {
  return contentModels(tables.strapi)
    .map(({ uid, attributes }) => ({
      uid,
      tableName: tables.tableOf(uid),
      fields: Object.entries(attributes).flatMap(([name, attribute]) =>
        isStored(tables.strapi, uid, name) && TEXT_TYPES.includes(attribute.type)
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
  const table = textTables(tables).find((candidate) => candidate.uid === uid);
  return table?.fields.find(({ attribute }) => attribute === name);
}

function isStored(strapi: Core.Strapi, uid: string, name: string): boolean {
  const attribute = strapi.db.metadata.get(uid).attributes[name];
  return attribute !== undefined && 'columnName' in attribute;
}

function toTextField(name: string, attribute: Attribute, column: string): TextField {
  const { type, customField } = attribute;
  const isJson = type === 'blocks' || type === 'json';
  const field = { attribute: name, column, isJson };
  if (customField !== undefined) {
    return { ...field, kind: 'text', obstacle: `The custom field ${customField} is not known.` };
  }
  if (type === 'richtext' || type === 'blocks') return { ...field, kind: type, obstacle: null };
  const obstacle = `A field of type ${type} may mean anything by it.`;
  return { ...field, kind: 'text', obstacle };
}
