/**
 * Who may import whom: the panel knows the engine's HTTP contracts alone, the engine knows nobody, the server knows
 * the engine, and a folder of the engine knows another by its contract. Only application/ wires them together.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
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
      // The types for server code share those of the client.
      from: { path: '^plugin/src/([^/]+)/', pathNot: '^plugin/src/(application|types)/' },
      to: {
        path: '^plugin/src/[^/]+/',
        pathNot: [
          '^plugin/src/$1/',
          '^plugin/src/[^/]+/contract[.]ts$',
          // SQLite and PostgreSQL, whatever is stored in them.
          '^plugin/src/vectors/(embedded/driver|postgres/connection)[.]ts$',
          // Pure functions that need no contract between them and their callers.
          '^plugin/src/(images/(trace|looks|palette|views)|vectors/similarity|matching/(verdict|tiles|fingerprint|(pixel-comparison|copy-quality))|embedding/quota|embedding/vector-space)[.]ts$',
        ],
      },
    },
    {
      name: 'matching-is-pure',
      comment:
        'Verdicts follow from two traces alone: no store, no repository, no decoder, no Node.js module.',
      severity: 'error',
      from: { path: '^plugin/src/matching/' },
      to: {
        pathNot: [
          '^plugin/src/matching/',
          '^plugin/src/images/(contract|trace)[.]ts$',
          'node_modules/lru-cache/',
        ],
      },
    },
    {
      name: 'nothing-in-the-engine-knows-its-wiring',
      severity: 'error',
      from: { path: '^plugin/src/(?!application/)' },
      to: { path: '^plugin/src/application/' },
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
        'Only plugin/src/application/ names a store, a provider or an image reader; others use their contracts. ' +
        'Copying between stores needs two of them.',
      severity: 'error',
      from: {
        path: '^server/',
        pathNot: '^server/src/commands/copy-vectors[.]ts$',
      },
      to: {
        path: [
          '^plugin/src/vectors/(?!(contract|copy)[.]ts$)',
          '^plugin/src/embedding/(?!contract[.]ts$)',
          // Colors follow from a trace alone.
          '^plugin/src/images/(?!(contract|palette)[.]ts$)',
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
