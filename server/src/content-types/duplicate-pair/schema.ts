import { duplicateKinds, pairStatuses } from '../../../../plugin/src/duplicates/contract';

const hidden = { visible: false };

/** One row per two files that were found to be duplicates, with what was decided about them. */
export const duplicatePairSchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_duplicate_pairs',
  info: {
    singularName: 'duplicate-pair',
    pluralName: 'duplicate-pairs',
    displayName: 'Image Search duplicate pair',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [
    {
      name: 'image_search_duplicate_pairs_files',
      columns: ['file_a', 'file_b'],
      type: 'unique' as const,
    },
    { name: 'image_search_duplicate_pairs_status', columns: ['status', 'id'] },
    { name: 'image_search_duplicate_pairs_kind', columns: ['status', 'kind', 'id'] },
    { name: 'image_search_duplicate_pairs_cluster', columns: ['cluster', 'status', 'id'] },
    { name: 'image_search_duplicate_pairs_file_a', columns: ['file_a', 'status'] },
    { name: 'image_search_duplicate_pairs_file_b', columns: ['file_b', 'status'] },
  ],
  attributes: {
    /** The lower id of the two. */
    fileA: { type: 'integer' as const, required: true },
    fileB: { type: 'integer' as const, required: true },
    contentHashA: { type: 'string' as const, required: true },
    contentHashB: { type: 'string' as const, required: true },
    kind: { type: 'enumeration' as const, enum: [...duplicateKinds], required: true },
    /** What the verdict rests on, without its kind. */
    evidence: { type: 'json' as const, required: true },
    /** Pairs with the same number are shown together as far as they belong together; see `clusterPairs`. */
    cluster: { type: 'integer' as const, required: true },
    status: { type: 'enumeration' as const, enum: [...pairStatuses], required: true },
    foundAt: { type: 'datetime' as const, required: true },
    decidedBy: { type: 'integer' as const },
    decidedAt: { type: 'datetime' as const },
  },
};
