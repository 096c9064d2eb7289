import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from './plugin-id';

export { adminActions } from '../../plugin/src/contracts/identity';

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
