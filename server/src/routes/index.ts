import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import type { HandlerName } from '../controllers';
import { errorAnswers } from '../http/error-answers';
import { rateLimit } from '../http/rate-limit';
import { adminActions } from '../permissions';
import { imageSearchOf } from '../services';

type Middleware = (ctx: Context, next: Next) => Promise<void>;

interface Route {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  handler: HandlerName;
}

const contentApiRoutes: Route[] = [
  { method: 'GET', path: '/search', handler: 'search.find' },
  { method: 'POST', path: '/search', handler: 'search.find' },
  { method: 'GET', path: '/similar/:id', handler: 'similar.find' },
  { method: 'POST', path: '/embeddings', handler: 'embeddings.create' },
];

/** Without an action a route is for whoever is signed in. */
const adminRoutes: (Route & { action?: string })[] = [
  { method: 'GET', path: '/search', handler: 'admin-search.find', action: adminActions.search },
  { method: 'POST', path: '/search', handler: 'admin-search.find', action: adminActions.search },
  {
    method: 'GET',
    path: '/similar/:id',
    handler: 'admin-search.findSimilar',
    action: adminActions.search,
  },
  {
    method: 'POST',
    path: '/duplicates/merge',
    handler: 'admin-duplicates.merge',
    action: adminActions.duplicates,
  },
  { method: 'GET', path: '/status', handler: 'admin-index.status', action: adminActions.manage },
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
    const { logger, requestsPerMinute } = imageSearchOf(strapi).http;
    const middlewares: Middleware[] = [
      errorAnswers({ tellsOperators: false, logger }),
      rateLimit(requestsPerMinute),
    ];
    return {
      type: 'content-api' as const,
      routes: contentApiRoutes.map((route) => ({ ...route, config: { middlewares } })),
    };
  },

  admin: ({ strapi }: { strapi: Core.Strapi }) => {
    const { logger } = imageSearchOf(strapi).http;
    const middlewares: Middleware[] = [errorAnswers({ tellsOperators: true, logger })];
    return {
      type: 'admin' as const,
      routes: adminRoutes.map(({ action, ...route }) => ({
        ...route,
        config: {
          middlewares,
          policies: [
            'admin::isAuthenticatedAdmin',
            ...(action === undefined
              ? []
              : [{ name: 'admin::hasPermissions', config: { actions: [action] } }]),
          ],
        },
      })),
    };
  },
};
