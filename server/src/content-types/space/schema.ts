const hidden = { visible: false };

/** One row per vector space that the library was, is or will be searched in. */
export const spaceSchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_spaces',
  info: {
    singularName: 'space',
    pluralName: 'spaces',
    displayName: 'Image Search vector space',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [
    { name: 'image_search_spaces_space', columns: ['space_id'], type: 'unique' as const },
    // Of two switches at a time only one gets the next number.
    { name: 'image_search_spaces_activation', columns: ['activation'], type: 'unique' as const },
  ],
  attributes: {
    spaceId: { type: 'string' as const, required: true },
    provider: { type: 'string' as const, required: true },
    model: { type: 'string' as const, required: true },
    dimensions: { type: 'integer' as const, required: true },
    preprocessing: { type: 'text' as const, required: true },
    identity: { type: 'json' as const, required: true },
    activation: { type: 'integer' as const },
  },
};
