import type { Core } from '@strapi/strapi';
import { FILE_UID, PLUGIN_ID } from '../plugin-id';

/** The parts of a content type's or component's attribute that are used here. */
export interface Attribute {
  type: string;
  multiple?: boolean;
  allowedTypes?: string[];
  component?: string;
  components?: string[];
  repeatable?: boolean;
  relation?: string;
  target?: string;
  mappedBy?: string;
  customField?: string;
}

export interface Model {
  uid: string;
  kind: 'component' | 'collectionType' | 'singleType';
  displayName: string;
  hasDrafts: boolean;
  isLocalized: boolean;
  attributes: Record<string, Attribute>;
}

/** The library's files and folders and this plugin's own tables are not content. */
const NOT_CONTENT = [`plugin::${PLUGIN_ID}.`, FILE_UID.replace(/file$/, '')];
/** Strapi's settings, roles, tokens and logs. */
const STRAPI_ITSELF = ['admin::', 'strapi::'];

interface Schema {
  uid: string;
  kind?: string;
  info?: { displayName?: string };
  options?: { draftAndPublish?: boolean };
  pluginOptions?: { i18n?: { localized?: boolean } };
  attributes?: Record<string, Attribute>;
}

/** All content types and components that can use files. */
export function contentModels(strapi: Core.Strapi): Model[] {
  const contentTypes = Object.values(strapi.contentTypes as unknown as Record<string, Schema>);
  const components = Object.values(strapi.components as unknown as Record<string, Schema>);
  const hidden = [...NOT_CONTENT, ...STRAPI_ITSELF];
  return [
    ...contentTypes
      .filter(({ uid }) => !hidden.some((prefix) => uid.startsWith(prefix)))
      .map((schema) => toModel(schema, schema.kind === 'singleType' ? 'singleType' : undefined)),
    ...components.map((schema) => toModel(schema, 'component')),
  ];
}

/** Null if no such model exists anymore. */
export function findModel(strapi: Core.Strapi, uid: string): Model | null {
  const component = (strapi.components as unknown as Record<string, Schema>)[uid];
  if (component) return toModel(component, 'component');
  const contentType = (strapi.contentTypes as unknown as Record<string, Schema>)[uid];
  if (!contentType) return null;
  return toModel(contentType, contentType.kind === 'singleType' ? 'singleType' : undefined);
}

function toModel(schema: Schema, kind: Model['kind'] = 'collectionType'): Model {
  const { uid, info, options, pluginOptions, attributes = {} } = schema;
  return {
    uid,
    kind,
    displayName: info?.displayName ?? uid,
    hasDrafts: options?.draftAndPublish === true,
    isLocalized: pluginOptions?.i18n?.localized === true,
    attributes,
  };
}
