/**
 * Who may import whom: the panel knows the engine's HTTP contracts alone, the engine knows nobody, the server knows
 * the engine, and a folder of the engine knows another by its contract.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'admin-knows-contracts-only',
      severity: 'error',
      from: { path: '^admin/' },
      to: { path: '^(plugin|server|sample)/', pathNot: '^plugin/src/contracts/' },
    },
    {
      name: 'engine-knows-no-host',
      comment: 'The engine could serve another CMS unchanged.',
      severity: 'error',
      from: { path: '^plugin/' },
      to: { path: '^(server|admin|sample)/|node_modules/(@strapi|koa|react)(/|$)' },
    },
    {
      name: 'engine-folders-meet-at-contracts',
      severity: 'error',
      from: { path: '^plugin/src/([^/]+)/' },
      to: {
        path: '^plugin/src/[^/]+/',
        pathNot: ['^plugin/src/$1/', '^plugin/src/[^/]+/contract[.]ts$'],
      },
    },
    {
      name: 'server-knows-the-engine-only',
      severity: 'error',
      from: { path: '^server/' },
      to: { path: '^(admin|sample)/' },
    },
    {
      name: 'adapters-are-built-in-one-place',
      comment:
        'Only the composition, with what follows from the configuration alone, may name a store, a provider or a picture reader; ' +
        'others meet their contracts. ' +
        'Copying between stores needs two of them.',
      severity: 'error',
      from: {
        path: '^server/',
        pathNot: '^server/src/(composition|configured-adapters|commands/copy-vectors-stores)[.]ts$',
      },
      to: {
        path: [
          '^plugin/src/vectors/(?!(contract|copy)[.]ts$)',
          '^plugin/src/embedding/(?!contract[.]ts$)',
          '^plugin/src/images/(?!contract[.]ts$)',
        ],
      },
    },
    {
      name: 'production-knows-no-test',
      severity: 'error',
      from: { path: '^(strapi-server[.]ts$|plugin/|server/|admin/)' },
      to: { path: '^test/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|[.]cache|[.]data)/|^test/app/build/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
  },
};
