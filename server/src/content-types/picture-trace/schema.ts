const hidden = { visible: false };

/** One row per picture of the library: what it is compared with others by, whatever model is used. */
export const pictureTraceSchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_picture_traces',
  info: {
    singularName: 'picture-trace',
    pluralName: 'picture-traces',
    displayName: 'Image Search picture trace',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [
    { name: 'image_search_picture_traces_file', columns: ['file_id'], type: 'unique' as const },
    { name: 'image_search_picture_traces_hash', columns: ['content_hash', 'file_id'] },
    { name: 'image_search_picture_traces_pass', columns: ['compared_in', 'file_id'] },
  ],
  attributes: {
    fileId: { type: 'integer' as const, required: true },
    contentHash: { type: 'string' as const, required: true },
    fingerprint: { type: 'string' as const },
    fingerprintQuality: { type: 'float' as const },
    thumbnail: { type: 'text' as const },
    /** Fingerprint and thumbnail on black, for a picture whose ground is seen. */
    onBlack: { type: 'json' as const },
    width: { type: 'integer' as const, required: true },
    height: { type: 'integer' as const, required: true },
    /** The pass of its last comparison; null while it is to be compared. */
    comparedIn: { type: 'string' as const },
  },
};
