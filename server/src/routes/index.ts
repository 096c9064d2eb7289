import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import { adminActions } from '../../../plugin/src/contracts/identity';
import { imageSearchOf } from '../composition';
import type { HandlerName } from '../controllers';
import { errorAnswers } from '../http/error-answers';
import { PLUGIN_ID } from '../plugin-id';
import type { policies } from '../policies';
import { contentApiRoutes } from './content-api';

const HAS_ANY_ACTION = 'has-any-action' satisfies keyof typeof policies;

type Middleware = (ctx: Context, next: Next) => Promise<void>;

interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  handler: HandlerName;
}

/** Both uploaders and searchers may check whether an image is in the library already. */
const uploaderActions = [
  'plugin::upload.assets.create',
  adminActions.search,
  adminActions.duplicates,
];

/** Any one of the actions grants access; a route without actions is open to every signed-in user. */
const adminRoutes: (Route & { action?: string | readonly string[] })[] = [
  { method: 'GET', path: '/search', handler: 'admin-search.find', action: adminActions.search },
  { method: 'POST', path: '/search', handler: 'admin-search.find', action: adminActions.search },
  {
    method: 'GET',
    path: '/similar/:id',
    handler: 'admin-search.findSimilar',
    action: adminActions.search,
  },
  { method: 'GET', path: '/map', handler: 'admin-map.find', action: adminActions.search },
  {
    method: 'POST',
    path: '/duplicates/merge',
    handler: 'admin-duplicates.merge',
    action: adminActions.duplicates,
  },
  {
    method: 'GET',
    path: '/duplicates/merges',
    handler: 'admin-duplicates.merges',
    action: adminActions.duplicates,
  },
  {
    method: 'POST',
    path: '/duplicates/merges/:id/undo',
    handler: 'admin-duplicates.undo',
    action: adminActions.duplicates,
  },
  {
    method: 'POST',
    path: '/duplicates/merges/:id/empty',
    handler: 'admin-duplicates.empty',
    action: adminActions.duplicates,
  },
  {
    method: 'GET',
    path: '/duplicates/batches',
    handler: 'admin-merge-batches.list',
    action: adminActions.duplicates,
  },
  {
    method: 'POST',
    path: '/duplicates/batches',
    handler: 'admin-merge-batches.plan',
    action: adminActions.duplicates,
  },
  {
    method: 'POST',
    path: '/duplicates/batches/:id/merge',
    handler: 'admin-merge-batches.merge',
    action: adminActions.duplicates,
  },
  {
    method: 'POST',
    path: '/duplicates/batches/:id/cancel',
    handler: 'admin-merge-batches.cancel',
    action: adminActions.duplicates,
  },
  {
    method: 'POST',
    path: '/duplicates/batches/:id/undo',
    handler: 'admin-merge-batches.undo',
    action: adminActions.duplicates,
  },
  {
    method: 'GET',
    path: '/duplicates',
    handler: 'admin-duplicates.list',
    action: adminActions.duplicates,
  },
  {
    method: 'GET',
    path: '/duplicates/notes',
    handler: 'admin-duplicates.notes',
    action: uploaderActions,
  },
  { method: 'POST', path: '/check', handler: 'admin-duplicates.check', action: uploaderActions },
  {
    method: 'GET',
    path: '/duplicates/scan',
    handler: 'admin-scan.find',
    action: [adminActions.duplicates, adminActions.manage],
  },
  {
    method: 'POST',
    path: '/duplicates/scan',
    handler: 'admin-scan.start',
    action: adminActions.manage,
  },
  {
    method: 'DELETE',
    path: '/duplicates/scan',
    handler: 'admin-scan.stop',
    action: adminActions.manage,
  },
  {
    method: 'POST',
    path: '/duplicates/:id/review',
    handler: 'admin-duplicates.review',
    action: adminActions.duplicates,
  },
  {
    method: 'GET',
    path: '/files/:id/duplicates',
    handler: 'admin-duplicates.ofFile',
    action: [adminActions.search, adminActions.duplicates],
  },
  {
    method: 'GET',
    path: '/files/:id/usage',
    handler: 'admin-duplicates.usage',
    action: [adminActions.search, adminActions.duplicates],
  },
  {
    method: 'GET',
    path: '/files/:id/index',
    handler: 'admin-file-index.find',
    action: Object.values(adminActions),
  },
  {
    method: 'GET',
    path: '/files/:id/colors',
    handler: 'admin-file-index.colors',
    action: adminActions.search,
  },
  {
    method: 'GET',
    path: '/previews/:id',
    handler: 'admin-previews.findOne',
    action: Object.values(adminActions),
  },
  { method: 'GET', path: '/status', handler: 'admin-index.status', action: adminActions.manage },
  { method: 'GET', path: '/checks', handler: 'admin-index.checks', action: adminActions.manage },
  { method: 'POST', path: '/reindex', handler: 'admin-index.reindex', action: adminActions.manage },
  {
    method: 'POST',
    path: '/spaces/:id/activate',
    handler: 'admin-index.activateSpace',
    action: adminActions.manage,
  },
  {
    method: 'DELETE',
    path: '/spaces/:id',
    handler: 'admin-index.dropSpace',
    action: adminActions.manage,
  },
  { method: 'POST', path: '/hold', handler: 'admin-index.hold', action: adminActions.manage },
  { method: 'DELETE', path: '/hold', handler: 'admin-index.resume', action: adminActions.manage },
  { method: 'POST', path: '/test', handler: 'admin-index.test', action: adminActions.manage },
  { method: 'GET', path: '/panel', handler: 'admin-panel.settings' },
  { method: 'GET', path: '/entries', handler: 'admin-index.entries', action: adminActions.manage },
  {
    method: 'GET',
    path: '/estimate',
    handler: 'admin-index.estimate',
    action: adminActions.manage,
  },
];

export const routes = {
  'content-api': ({ strapi }: { strapi: Core.Strapi }) => {
    const { cache, limitPreviews, limitRate, logger, outages } = imageSearchOf(strapi).http;
    const answers = errorAnswers({ isForOperators: false, logger, outages });
    const middlewares: Middleware[] = [answers, limitRate, cache];
    const ofPreviews: Middleware[] = [answers, limitPreviews, cache];
    return {
      type: 'content-api' as const,
      routes: contentApiRoutes.map((route) => ({
        ...route,
        config: { middlewares: route.handler === 'previews.findOne' ? ofPreviews : middlewares },
      })),
    };
  },

  admin: ({ strapi }: { strapi: Core.Strapi }) => {
    const { logger, outages } = imageSearchOf(strapi).http;
    const middlewares: Middleware[] = [errorAnswers({ isForOperators: true, logger, outages })];
    return {
      type: 'admin' as const,
      routes: adminRoutes.map(({ action, ...route }) => ({
        ...route,
        config: {
          middlewares,
          policies: [
            'admin::isAuthenticatedAdmin',
            ...(action === undefined ? [] : [hasAnyAction([action].flat())]),
          ],
        },
      })),
    };
  },
};

function hasAnyAction(actions: readonly string[]) {
  return { name: `plugin::${PLUGIN_ID}.${HAS_ANY_ACTION}`, config: { actions } };
}
