import { indexStates } from '../../../../plugin/src/indexing/contract';

const hidden = { visible: false };

/** One row per picture of the library and vector space: queue and status in one. */
export const indexEntrySchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_index_entries',
  info: {
    singularName: 'index-entry',
    pluralName: 'index-entries',
    displayName: 'Image Search index entry',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [
    {
      name: 'image_search_index_entries_file',
      columns: ['space_id', 'file_id'],
      type: 'unique' as const,
    },
    { name: 'image_search_index_entries_due', columns: ['space_id', 'state', 'due_at'] },
    { name: 'image_search_index_entries_lease', columns: ['lease'] },
    { name: 'image_search_index_entries_hash', columns: ['content_hash'] },
  ],
  attributes: {
    /** Empty until a space is known for the first time. */
    spaceId: { type: 'string' as const, default: '', required: true },
    fileId: { type: 'integer' as const, required: true },
    state: { type: 'enumeration' as const, enum: [...indexStates], required: true },
    attempts: { type: 'integer' as const, default: 0, required: true },
    dueAt: { type: 'datetime' as const },
    lease: { type: 'string' as const },
    leaseExpiresAt: { type: 'datetime' as const },
    errorCode: { type: 'string' as const },
    errorMessage: { type: 'text' as const },
    contentHash: { type: 'string' as const },
    sourceSignature: { type: 'string' as const },
    indexedAt: { type: 'datetime' as const },
  },
};
