const hidden = { visible: false };
/** A new object each time: Strapi writes into it. */
const count = () => ({ type: 'biginteger' as const, default: '0', required: true });

/** One row per calendar month (UTC) and model: what it did. */
export const embeddingUsageSchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_embedding_usages',
  info: {
    singularName: 'embedding-usage',
    pluralName: 'embedding-usages',
    displayName: 'Image Search usage of a model',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [
    {
      name: 'image_search_embedding_usages_model',
      columns: ['month', 'provider', 'model'],
      type: 'unique' as const,
    },
  ],
  attributes: {
    month: { type: 'string' as const, required: true },
    provider: { type: 'string' as const, required: true },
    model: { type: 'string' as const, required: true },
    images: count(),
    texts: count(),
    imageTokens: count(),
    textTokens: count(),
    cost: { type: 'float' as const, default: 0, required: true },
    unstatedRequests: count(),
    imageMilliseconds: count(),
  },
};
