import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { imageSearchOf } from '../composition';
import { adminFiles, contentApiFiles } from '../files/callers';
import {
  createUploaderHandlers,
  createDuplicatesHandlers,
  createMergingHandlers,
  createScanHandlers,
} from './duplicates';
import {
  createFileIndexHandlers,
  createManagementHandlers,
  createMonitoringHandlers,
  createPanelHandlers,
} from './management';
import { createMapHandlers } from './map';
import { createMergeBatchHandlers } from './merge-batches';
import { createMergesHandlers } from './merges';
import {
  createFileUsageHandlers,
  createPreviewHandlers,
  createPublicDuplicatesHandlers,
  createRelatedHandlers,
  createSearchHandlers,
} from './search';

interface WithStrapi {
  strapi: Core.Strapi;
}

function contentApi({ strapi }: WithStrapi) {
  return createSearchHandlers({
    imageSearch: () => imageSearchOf(strapi),
    visibleFilesOf: contentApiFiles(strapi),
  });
}

/** GET and POST are one action, so that one permission covers both. */
function findByMethod({ findByText, findByExample }: ReturnType<typeof createSearchHandlers>) {
  return (ctx: Context): Promise<void> =>
    ctx.method === 'GET' ? findByText(ctx) : findByExample(ctx);
}

/**
 * Read actions of the content API are named `find`, because Strapi lets read-only tokens call nothing else.
 */
export const controllers = {
  search: (context: WithStrapi) => ({ find: findByMethod(contentApi(context)) }),
  similar: (context: WithStrapi) => ({ find: contentApi(context).findSimilar }),
  embeddings: (context: WithStrapi) => ({ create: contentApi(context).createEmbedding }),
  'admin-search': ({ strapi }: WithStrapi) => {
    const handlers = createSearchHandlers({
      imageSearch: () => imageSearchOf(strapi),
      visibleFilesOf: adminFiles(strapi),
    });
    return { find: findByMethod(handlers), findSimilar: handlers.findSimilar };
  },
  'admin-index': ({ strapi }: WithStrapi) => createManagementHandlers(() => imageSearchOf(strapi)),
  duplicates: ({ strapi }: WithStrapi) =>
    createPublicDuplicatesHandlers({
      imageSearch: () => imageSearchOf(strapi),
      visibleFilesOf: contentApiFiles(strapi),
    }),
  related: ({ strapi }: WithStrapi) => createRelatedHandlers(strapi, () => imageSearchOf(strapi)),
  usage: ({ strapi }: WithStrapi) => createFileUsageHandlers(contentApiFiles(strapi)),
  previews: ({ strapi }: WithStrapi) =>
    createPreviewHandlers(() => imageSearchOf(strapi), contentApiFiles(strapi)),
  status: ({ strapi }: WithStrapi) => createMonitoringHandlers(() => imageSearchOf(strapi)),
  'admin-duplicates': ({ strapi }: WithStrapi) => ({
    ...createMergingHandlers(strapi, () => imageSearchOf(strapi)),
    ...createMergesHandlers(strapi, () => imageSearchOf(strapi)),
    ...createDuplicatesHandlers(strapi, () => imageSearchOf(strapi)),
    ...createUploaderHandlers(strapi, () => imageSearchOf(strapi)),
  }),
  'admin-map': ({ strapi }: WithStrapi) => createMapHandlers(strapi, () => imageSearchOf(strapi)),
  'admin-merge-batches': ({ strapi }: WithStrapi) =>
    createMergeBatchHandlers(strapi, () => imageSearchOf(strapi)),
  'admin-file-index': ({ strapi }: WithStrapi) =>
    createFileIndexHandlers(strapi, () => imageSearchOf(strapi)),
  'admin-previews': ({ strapi }: WithStrapi) =>
    createPreviewHandlers(() => imageSearchOf(strapi), adminFiles(strapi)),
  'admin-scan': ({ strapi }: WithStrapi) => createScanHandlers(() => imageSearchOf(strapi)),
  'admin-panel': ({ strapi }: WithStrapi) => createPanelHandlers(() => imageSearchOf(strapi)),
};

type Controllers = typeof controllers;

/** `controller.method` of every handler: a route that names another does not compile. */
export type HandlerName = {
  [Name in keyof Controllers]: `${Name}.${Extract<keyof ReturnType<Controllers[Name]>, string>}`;
}[keyof Controllers];
