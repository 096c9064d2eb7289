import { pairStatuses, scanStates } from '../../plugin/src/duplicates/contract';
import { indexPriorities, indexStates } from '../../plugin/src/indexing/contract';
import { colorNames } from '../../plugin/src/images/contract';
import { batchKinds, batchStates } from '../../plugin/src/contracts/bulk-merging';
import { copyStates } from '../../plugin/src/contracts/merging';
import { duplicateKinds } from '../../plugin/src/matching/contract';

interface HiddenType {
  collectionName: string;
  info: { singularName: string; pluralName: string; displayName: string };
  indexes: { name: string; columns: string[]; type?: 'unique' }[];
  attributes: Record<string, object>;
}

/** The plugin's tables. Strapi writes into schemas, so none of them shares an object with another. */
export const contentTypes = {
  /** One row per image and vector space: the queue, and the status of each image. */
  'index-entry': hiddenType({
    collectionName: 'image_search_index_entries',
    info: {
      singularName: 'index-entry',
      pluralName: 'index-entries',
      displayName: 'Image Search index entry',
    },
    indexes: [
      {
        name: 'image_search_index_entries_file',
        columns: ['space_id', 'file_id'],
        type: 'unique',
      },
      { name: 'image_search_index_entries_due', columns: ['space_id', 'state', 'due_at', 'id'] },
      {
        name: 'image_search_index_entries_claim',
        columns: ['space_id', 'state', 'priority', 'due_at', 'id'],
      },
      { name: 'image_search_index_entries_lease', columns: ['lease'] },
      { name: 'image_search_index_entries_hash', columns: ['content_hash'] },
    ],
    attributes: {
      /** Empty until the first space is known. */
      spaceId: { type: 'string', default: '', required: true },
      fileId: { type: 'integer', required: true },
      state: { type: 'enumeration', enum: [...indexStates], required: true },
      /** Position in `indexPriorities`; the last one for entries of an earlier version. */
      priority: {
        type: 'integer',
        default: indexPriorities.length - 1,
        column: { defaultTo: indexPriorities.length - 1 },
        required: true,
      },
      attempts: { type: 'integer', default: 0, required: true },
      dueAt: { type: 'datetime' },
      lease: { type: 'string' },
      leaseExpiresAt: { type: 'datetime' },
      errorCode: { type: 'string' },
      errorMessage: { type: 'text' },
      contentHash: { type: 'string' },
      sourceSignature: { type: 'string' },
      indexedAt: { type: 'datetime' },
    },
  }),

  /** One row per vector space that is, was or will be active. */
  space: hiddenType({
    collectionName: 'image_search_spaces',
    info: { singularName: 'space', pluralName: 'spaces', displayName: 'Image Search vector space' },
    indexes: [
      { name: 'image_search_spaces_space', columns: ['space_id'], type: 'unique' },
      // Of two simultaneous switches only one gets the next number.
      { name: 'image_search_spaces_activation', columns: ['activation'], type: 'unique' },
    ],
    attributes: {
      spaceId: { type: 'string', required: true },
      provider: { type: 'string', required: true },
      model: { type: 'string', required: true },
      dimensions: { type: 'integer', required: true },
      preprocessing: { type: 'text', required: true },
      identity: { type: 'json', required: true },
      activation: { type: 'integer' },
    },
  }),

  /** One row per vector space whose null texts are embedded: what relevance means in it. */
  calibration: hiddenType({
    collectionName: 'image_search_calibrations',
    info: {
      singularName: 'calibration',
      pluralName: 'calibrations',
      displayName: 'Image Search calibration',
    },
    indexes: [{ name: 'image_search_calibrations_space', columns: ['space_id'], type: 'unique' }],
    attributes: {
      spaceId: { type: 'string', required: true },
      version: { type: 'integer', required: true },
      /** How many of the vectors, from the first one, are those of texts without a meaning. */
      nonsense: { type: 'integer', required: true },
      vectors: { type: 'text', required: true },
      /** Both null until it was measured. */
      files: { type: 'integer' },
      figures: { type: 'json' },
    },
  }),

  /** One row per job that only one process does at a time. */
  job: hiddenType({
    collectionName: 'image_search_jobs',
    info: { singularName: 'job', pluralName: 'jobs', displayName: 'Image Search job' },
    indexes: [{ name: 'image_search_jobs_name', columns: ['name'], type: 'unique' }],
    attributes: {
      name: { type: 'string', required: true },
      startedAt: { type: 'datetime' },
      lease: { type: 'string' },
      leaseExpiresAt: { type: 'datetime' },
    },
  }),

  /** One row per image: what duplicate detection compares, independent of the model. */
  'image-trace': hiddenType({
    collectionName: 'image_search_image_traces',
    info: {
      singularName: 'image-trace',
      pluralName: 'image-traces',
      displayName: 'Image Search image trace',
    },
    indexes: [
      { name: 'image_search_image_traces_file', columns: ['file_id'], type: 'unique' },
      { name: 'image_search_image_traces_hash', columns: ['content_hash', 'file_id'] },
      { name: 'image_search_image_traces_pass', columns: ['compared_in', 'file_id'] },
      { name: 'image_search_image_traces_ocr', columns: ['recognized_by', 'file_id'] },
    ],
    attributes: {
      fileId: { type: 'integer', required: true },
      contentHash: { type: 'string', required: true },
      fingerprint: { type: 'string' },
      fingerprintQuality: { type: 'float' },
      thumbnail: { type: 'text' },
      /** Fingerprint and thumbnail on a black background, for images with transparency. */
      onBlack: { type: 'json' },
      width: { type: 'integer', required: true },
      height: { type: 'integer', required: true },
      /** The pass that compared it last; null if it is to be compared. */
      comparedIn: { type: 'string' },
      /** Hashes of images that its pixels aren't duplicates of, as the repository writes them. */
      refuted: { type: 'text' },
      /** What a document or an image says; null if that wasn't read. */
      text: { type: 'text' },
      /** The reader that looked for text in it last; null for none. */
      recognizedBy: { type: 'string' },
      /** Whether reading a document or a video took too long to be complete. */
      isPartial: { type: 'boolean' },
    },
  }),

  /** One row per dominant color of an image, derived from its trace. OKLab and shares are in thousandths. */
  'image-color': hiddenType({
    collectionName: 'image_search_image_colors',
    info: {
      singularName: 'image-color',
      pluralName: 'image-colors',
      displayName: 'Image Search color of an image',
    },
    indexes: [
      { name: 'image_search_image_colors_file', columns: ['file_id', 'position'], type: 'unique' },
    ],
    attributes: {
      fileId: { type: 'integer', required: true },
      /** 0 for the largest share. */
      position: { type: 'integer', required: true },
      lightness: { type: 'integer', required: true },
      greenRed: { type: 'integer', required: true },
      blueYellow: { type: 'integer', required: true },
      share: { type: 'integer', required: true },
      name: { type: 'enumeration', enum: [...colorNames], required: true },
      /** `PALETTE_VERSION` when it was derived. */
      version: { type: 'integer', required: true },
    },
  }),

  /** One row per image, derived from its trace: what collages with it are found by. A changed image has a new id. */
  'image-fingerprint': hiddenType({
    collectionName: 'image_search_image_fingerprints',
    info: {
      singularName: 'image-fingerprint',
      pluralName: 'image-fingerprints',
      displayName: 'Image Search fingerprints of an image',
    },
    indexes: [
      { name: 'image_search_image_fingerprints_file', columns: ['file_id'], type: 'unique' },
    ],
    attributes: {
      fileId: { type: 'integer', required: true },
      /** Of the whole image; null if it is flat or unknown. */
      fingerprint: { type: 'string' },
      /** Those of its tiles, one after the other. */
      tiles: { type: 'text' },
      /** `TILES_VERSION` when they were derived. */
      version: { type: 'integer', required: true },
    },
  }),

  /** One row per tag of an image, and one without a name for an image that has none. */
  'image-tag': hiddenType({
    collectionName: 'image_search_image_tags',
    info: {
      singularName: 'image-tag',
      pluralName: 'image-tags',
      displayName: 'Image Search tag of an image',
    },
    indexes: [
      { name: 'image_search_image_tags_file', columns: ['file_id', 'position'], type: 'unique' },
      { name: 'image_search_image_tags_name', columns: ['name', 'file_id'] },
    ],
    attributes: {
      fileId: { type: 'integer', required: true },
      /** 0 for the most relevant one. */
      position: { type: 'integer', required: true },
      name: { type: 'string', required: true },
      /** In thousandths. */
      relevance: { type: 'integer', required: true },
      /** What it was given with. */
      tagging: { type: 'string', required: true },
      contentHash: { type: 'string', required: true },
    },
  }),

  /** One row per pair of duplicate files, with its review status. */
  'duplicate-pair': hiddenType({
    collectionName: 'image_search_duplicate_pairs',
    info: {
      singularName: 'duplicate-pair',
      pluralName: 'duplicate-pairs',
      displayName: 'Image Search duplicate pair',
    },
    indexes: [
      {
        name: 'image_search_duplicate_pairs_files',
        columns: ['file_a', 'file_b'],
        type: 'unique',
      },
      { name: 'image_search_duplicate_pairs_status', columns: ['status', 'id'] },
      { name: 'image_search_duplicate_pairs_kind', columns: ['status', 'kind', 'id'] },
      { name: 'image_search_duplicate_pairs_cluster', columns: ['cluster', 'status', 'id'] },
      { name: 'image_search_duplicate_pairs_file_a', columns: ['file_a', 'status'] },
      { name: 'image_search_duplicate_pairs_file_b', columns: ['file_b', 'status'] },
    ],
    attributes: {
      /** The lower id of the two. */
      fileA: { type: 'integer', required: true },
      fileB: { type: 'integer', required: true },
      contentHashA: { type: 'string', required: true },
      contentHashB: { type: 'string', required: true },
      kind: { type: 'enumeration', enum: [...duplicateKinds], required: true },
      /** The verdict's evidence, without its kind. */
      evidence: { type: 'json', required: true },
      /** Pairs with the same number are read together; see `clusterPairs`. */
      cluster: { type: 'integer', required: true },
      status: { type: 'enumeration', enum: [...pairStatuses], required: true },
      foundAt: { type: 'datetime', required: true },
      reviewedBy: { type: 'integer' },
      reviewedAt: { type: 'datetime' },
    },
  }),

  /** One row per two images, by their bytes, that were reviewed and are no duplicates: files come and go. */
  'duplicate-review': hiddenType({
    collectionName: 'image_search_duplicate_reviews',
    info: {
      singularName: 'duplicate-review',
      pluralName: 'duplicate-reviews',
      displayName: 'Image Search review of duplicates',
    },
    indexes: [
      { name: 'image_search_duplicate_reviews_hashes', columns: ['hashes'], type: 'unique' },
    ],
    attributes: {
      /** Both content hashes, in ascending order. */
      hashes: { type: 'string', required: true },
      /** The files that had these bytes, with the lower hash first. */
      fileA: { type: 'integer', required: true },
      fileB: { type: 'integer', required: true },
      reviewedBy: { type: 'integer' },
      reviewedAt: { type: 'datetime', required: true },
    },
  }),

  /** One row: the progress of the library scan. */
  'duplicate-scan': hiddenType({
    collectionName: 'image_search_duplicate_scans',
    info: {
      singularName: 'duplicate-scan',
      pluralName: 'duplicate-scans',
      displayName: 'Image Search scan for duplicates',
    },
    indexes: [{ name: 'image_search_duplicate_scans_name', columns: ['name'], type: 'unique' }],
    attributes: {
      name: { type: 'string', required: true },
      state: { type: 'enumeration', enum: [...scanStates], required: true },
      number: { type: 'integer', required: true },
      found: { type: 'integer', required: true },
      failed: { type: 'integer' },
      perMinute: { type: 'float' },
      problem: { type: 'text' },
      problemCode: { type: 'string' },
      startedAt: { type: 'datetime' },
      endedAt: { type: 'datetime' },
      progressAt: { type: 'datetime' },
    },
  }),

  /** One row per merge: what an undo needs. */
  merge: hiddenType({
    collectionName: 'image_search_merges',
    info: { singularName: 'merge', pluralName: 'merges', displayName: 'Image Search merge' },
    indexes: [
      { name: 'image_search_merges_kept', columns: ['kept_id'] },
      { name: 'image_search_merges_batch', columns: ['batch_id'] },
    ],
    attributes: {
      /** The bulk merge that it is part of; null for none. */
      batchId: { type: 'integer' },
      keptId: { type: 'integer', required: true },
      /** With the id it identifies the file: an import gives files other ids. */
      keptDocumentId: { type: 'string', required: true },
      keptName: { type: 'text', required: true },
      state: { type: 'enumeration', enum: ['done', 'undone'], required: true },
      movedUses: { type: 'integer', required: true },
      mergedAt: { type: 'datetime', required: true },
      mergedBy: { type: 'integer' },
      undoneAt: { type: 'datetime' },
      undoneBy: { type: 'integer' },
      /** `MergeChanges`; null once it can't be undone anymore. */
      changes: { type: 'json' },
      /** `UndoOutcome`; null until then. */
      outcome: { type: 'json' },
    },
  }),

  /** One row per bulk merge. */
  'merge-batch': hiddenType({
    collectionName: 'image_search_merge_batches',
    info: {
      singularName: 'merge-batch',
      pluralName: 'merge-batches',
      displayName: 'Image Search bulk merge',
    },
    indexes: [{ name: 'image_search_merge_batches_slot', columns: ['slot'], type: 'unique' }],
    attributes: {
      kind: { type: 'enumeration', enum: [...batchKinds], required: true },
      state: { type: 'enumeration', enum: [...batchStates], required: true },
      /** Unique: taken by the one that is being worked on; null otherwise. */
      slot: { type: 'string' },
      userId: { type: 'integer', required: true },
      startedAt: { type: 'datetime', required: true },
      /** Groups that were looked at while planning, and entries that would change. */
      examined: { type: 'integer', default: 0, required: true },
      entries: { type: 'integer', default: 0, required: true },
      /** Whether there are more groups than fit. */
      hasMore: { type: 'boolean', default: false, required: true },
      isCancelled: { type: 'boolean', default: false, required: true },
      undoUserId: { type: 'integer' },
      /** Why it ended early, in English, and the code of it. */
      problem: { type: 'text' },
      problemCode: { type: 'string' },
    },
  }),

  /** One row per group of a bulk merge. */
  'merge-batch-group': hiddenType({
    collectionName: 'image_search_merge_batch_groups',
    info: {
      singularName: 'merge-batch-group',
      pluralName: 'merge-batch-groups',
      displayName: 'Image Search group of a bulk merge',
    },
    indexes: [{ name: 'image_search_merge_batch_groups_batch', columns: ['batch_id', 'state'] }],
    attributes: {
      batchId: { type: 'integer', required: true },
      /** Its newest pair. */
      pairId: { type: 'integer', required: true },
      fileIds: { type: 'json', required: true },
      keepId: { type: 'integer', required: true },
      /** Number of files that leave the library. */
      copies: { type: 'integer', required: true },
      state: {
        type: 'enumeration',
        enum: ['planned', 'left-out', 'merged', 'undone', 'not-undone'],
        required: true,
      },
      reason: { type: 'string' },
      warning: { type: 'string' },
      mergeId: { type: 'integer' },
    },
  }),

  /** One row per copy of a merge. Those that are `trashed` or `emptying` are the trash. */
  'merged-copy': hiddenType({
    collectionName: 'image_search_merged_copies',
    info: {
      singularName: 'merged-copy',
      pluralName: 'merged-copies',
      displayName: 'Image Search merged copy',
    },
    indexes: [
      { name: 'image_search_merged_copies_merge', columns: ['merge_id'] },
      { name: 'image_search_merged_copies_file', columns: ['file_id', 'state'] },
      { name: 'image_search_merged_copies_due', columns: ['state', 'empties_at'] },
    ],
    attributes: {
      mergeId: { type: 'integer', required: true },
      fileId: { type: 'integer', required: true },
      /** With the id it identifies the file: an import gives files other ids. */
      fileDocumentId: { type: 'string', required: true },
      state: { type: 'enumeration', enum: [...copyStates], required: true },
      reason: { type: 'text' },
      contentHash: { type: 'string' },
      /** The file as it was merged, as `loadFiles` returns it. */
      file: { type: 'json', required: true },
      /** When it is to be deleted. */
      emptiesAt: { type: 'datetime', required: true },
    },
  }),

  /** One row per calendar month (UTC) and model: its usage. */
  'embedding-usage': hiddenType({
    collectionName: 'image_search_embedding_usages',
    info: {
      singularName: 'embedding-usage',
      pluralName: 'embedding-usages',
      displayName: 'Image Search usage of a model',
    },
    indexes: [
      {
        name: 'image_search_embedding_usages_model',
        columns: ['month', 'provider', 'model'],
        type: 'unique',
      },
    ],
    attributes: {
      month: { type: 'string', required: true },
      provider: { type: 'string', required: true },
      model: { type: 'string', required: true },
      images: count(),
      texts: count(),
      imageTokens: count(),
      textTokens: count(),
      cost: { type: 'float', default: 0, required: true },
      unstatedRequests: count(),
      imageMilliseconds: count(),
    },
  }),
};

/** A table that neither the content manager nor the content-type builder shows. */
function hiddenType({ collectionName, info, indexes, attributes }: HiddenType): { schema: object } {
  return {
    schema: {
      kind: 'collectionType',
      collectionName,
      info,
      options: { draftAndPublish: false },
      pluginOptions: {
        'content-manager': { visible: false },
        'content-type-builder': { visible: false },
      },
      indexes,
      attributes,
    },
  };
}

/** A new object each time: Strapi writes into it. */
function count(): object {
  return { type: 'biginteger', default: '0', required: true };
}
