const hidden = { visible: false };

/** One row per piece of work that one process does for all. */
export const jobSchema = {
  kind: 'collectionType' as const,
  collectionName: 'image_search_jobs',
  info: {
    singularName: 'job',
    pluralName: 'jobs',
    displayName: 'Image Search job',
  },
  options: { draftAndPublish: false },
  pluginOptions: { 'content-manager': hidden, 'content-type-builder': hidden },
  indexes: [{ name: 'image_search_jobs_name', columns: ['name'], type: 'unique' as const }],
  attributes: {
    name: { type: 'string' as const, required: true },
    startedAt: { type: 'datetime' as const },
    lease: { type: 'string' as const },
    leaseExpiresAt: { type: 'datetime' as const },
  },
};
