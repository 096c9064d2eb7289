import type { Core } from '@strapi/strapi';
import { parseConfig } from '../../plugin/src/config';
import { embeddingUsageSchema } from './content-types/embedding-usage/schema';
import { duplicatePairSchema } from './content-types/duplicate-pair/schema';
import { duplicateScanSchema } from './content-types/duplicate-scan/schema';
import { indexEntrySchema } from './content-types/index-entry/schema';
import { jobSchema } from './content-types/job/schema';
import { pictureTraceSchema } from './content-types/picture-trace/schema';
import { spaceSchema } from './content-types/space/schema';
import { controllers } from './controllers';
import { removeTemporaryFiles } from './http/temporary-files';
import { registerAdminActions } from './permissions';
import { policies } from './policies';
import { routes } from './routes';
import { imageSearchOf, services } from './services';

export interface WithStrapi {
  strapi: Core.Strapi;
}

/** What Strapi takes from a plugin's server entry. */
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
    // Strapi would merge default lists by index into the user's: the schema alone knows the defaults.
    default: {},
    validator: (config: unknown): void => {
      parseConfig(config);
    },
  },
  contentTypes: {
    'embedding-usage': { schema: embeddingUsageSchema },
    'duplicate-pair': { schema: duplicatePairSchema },
    'index-entry': { schema: indexEntrySchema },
    job: { schema: jobSchema },
    'duplicate-scan': { schema: duplicateScanSchema },
    'picture-trace': { schema: pictureTraceSchema },
    space: { schema: spaceSchema },
  },
  controllers,
  policies,
  routes,
  services,

  register({ strapi }: WithStrapi): void {
    const { logger } = imageSearchOf(strapi).http;
    const apiPrefix = strapi.config.get<string>('api.rest.prefix', '/api');
    strapi.server.use(removeTemporaryFiles({ apiPrefix, logger }));
  },

  async bootstrap({ strapi }: WithStrapi): Promise<void> {
    await registerAdminActions(strapi);
    imageSearchOf(strapi).start();
  },

  async destroy({ strapi }: WithStrapi): Promise<void> {
    await imageSearchOf(strapi).stop();
  },
};

export default serverEntry;
