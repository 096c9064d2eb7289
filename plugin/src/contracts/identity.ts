/** The plugin's id: its addresses, its permissions and its translations begin with it. */
export const PLUGIN_ID = 'image-search';

/** Admin actions of this plugin; routes and the panel name them by these uids. */
export const adminActions = {
  search: `plugin::${PLUGIN_ID}.search`,
  duplicates: `plugin::${PLUGIN_ID}.duplicates`,
  manage: `plugin::${PLUGIN_ID}.manage`,
} as const;

export type AdminAction = keyof typeof adminActions;
