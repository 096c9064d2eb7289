/** The plugin's id, with which its routes, permissions and translation keys begin. */
export const PLUGIN_ID = 'image-search';

/** Admin actions of this plugin; routes and the panel name them by these uids. */
export const adminActions = {
  search: `plugin::${PLUGIN_ID}.search`,
  duplicates: `plugin::${PLUGIN_ID}.duplicates`,
  manage: `plugin::${PLUGIN_ID}.manage`,
} as const;

export type AdminAction = keyof typeof adminActions;
