import { scanStates } from '../../../../plugin/src/duplicates/contract';

const hidden = { visible: false };

/** One row: how far the comparison of the whole library is. */
export const duplicateScanSchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_duplicate_scans',
  info: {
    singularName: 'duplicate-scan',
    pluralName: 'duplicate-scans',
    displayName: 'Image Search scan for duplicates',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [
    { name: 'image_search_duplicate_scans_name', columns: ['name'], type: 'unique' as const },
  ],
  attributes: {
    name: { type: 'string' as const, required: true },
    state: { type: 'enumeration' as const, enum: [...scanStates], required: true },
    number: { type: 'integer' as const, required: true },
    found: { type: 'integer' as const, required: true },
    failed: { type: 'integer' as const },
    perMinute: { type: 'float' as const },
    problem: { type: 'text' as const },
    startedAt: { type: 'datetime' as const },
    endedAt: { type: 'datetime' as const },
    toldAt: { type: 'datetime' as const },
  },
};
