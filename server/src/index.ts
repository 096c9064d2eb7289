import type { Core } from '@strapi/strapi';
import { parseConfig } from '../../plugin/src/config';
import { imageSearchOf, services } from './composition';
import { contentTypes } from './content-types';
import { controllers } from './controllers';
import { allowInWebhooks } from './events';
import { hideTrashFromMediaLibrary } from './files/media-library';
import { extendGraphQL } from './graphql';
import { rejectIdenticalUploads } from './http/identical-uploads';
import { guardBodies } from './http/multipart';
import { registerMcpTools } from './mcp';
import { keepTables, registerMigrations } from './migrations';
import { PLUGIN_ID } from './plugin-id';
import { policies } from './policies';
import { prefixedLogger } from './prefixed-logger';
import { routes } from './routes';
import { createSearchService } from './search-service';

export interface WithStrapi {
  strapi: Core.Strapi;
}

/** A plugin's server entry as Strapi expects it. */
export interface ServerEntry {
  config: { default: object; validator(config: unknown): void };
  contentTypes: object;
  controllers: object;
  policies: object;
  routes: object;
  services: object;
  register(context: WithStrapi): void;
  bootstrap(context: WithStrapi): Promise<void>;
  destroy(context: WithStrapi): Promise<void>;
}

const serverEntry: ServerEntry = {
  config: {
    // Strapi would merge default lists into the user's by index, so defaults live in the schema only.
    default: {},
    validator: (config: unknown): void => {
      parseConfig(config);
    },
  },
  contentTypes,
  controllers,
  policies,
  routes,
  services: { ...services, search: createSearchService },

  register({ strapi }: WithStrapi): void {
    registerMigrations(strapi);
    extendGraphQL(strapi);
    registerMcpTools(strapi);
    const { duplicates } = parseConfig(strapi.config.get(`plugin::${PLUGIN_ID}`));
    if (duplicates.policy === 'reject') rejectIdenticalUploads(strapi, prefixedLogger(strapi));
    const apiPrefix = strapi.config.get<string>('api.rest.prefix', '/api');
    strapi.server.use(guardBodies({ apiPrefix }));
  },

  async bootstrap({ strapi }: WithStrapi): Promise<void> {
    await registerAdminActions(strapi);
    await keepTables(strapi);
    hideTrashFromMediaLibrary(strapi);
    allowInWebhooks(strapi);
    imageSearchOf(strapi).start();
  },

  async destroy({ strapi }: WithStrapi): Promise<void> {
    await imageSearchOf(strapi).stop();
  },
};

async function registerAdminActions(strapi: Core.Strapi): Promise<void> {
  await strapi.service('admin::permission').actionProvider.registerMany([
    {
      section: 'plugins',
      displayName: 'Search images',
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
      displayName: 'Manage the search index',
      uid: 'manage',
      pluginName: PLUGIN_ID,
    },
  ]);
}

export default serverEntry;
