import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from './plugin-id';

/** Admin actions of this plugin; routes and the panel name them by these uids. */
export const adminActions = {
  search: `plugin::${PLUGIN_ID}.search`,
  duplicates: `plugin::${PLUGIN_ID}.duplicates`,
  manage: `plugin::${PLUGIN_ID}.manage`,
} as const;

export async function registerAdminActions(strapi: Core.Strapi): Promise<void> {
  await strapi.service('admin::permission').actionProvider.registerMany([
    {
      section: 'plugins',
      displayName: 'Search pictures by what they show',
      uid: 'search',
      pluginName: PLUGIN_ID,
    },
    {
      section: 'plugins',
      displayName: 'Merge duplicates',
      uid: 'duplicates',
      pluginName: PLUGIN_ID,
    },
    {
      section: 'plugins',
      displayName: 'See the index and rebuild it',
      uid: 'manage',
      pluginName: PLUGIN_ID,
    },
  ]);
}
