'use strict';
const path = require('node:path');
const { prepareDataFolder, readSecrets } = require('../data-folder');

const repositoryFolder = path.resolve(__dirname, '../../..');
const graphqlFolder = path.join(repositoryFolder, 'node_modules/@strapi/plugin-graphql');

module.exports = ({ env }) => ({
  // A storage provider's settings (JSON).
  ...(env('UPLOAD_CONFIG') && { upload: { config: env.json('UPLOAD_CONFIG') } }),
  'users-permissions': { config: { jwtSecret: readSecrets(env).userJwtSecret } },
  ...(env.bool('GRAPHQL_ENABLED', false) && { graphql: { enabled: true, resolve: graphqlFolder } }),
  'image-search': {
    enabled: env.bool('IMAGE_SEARCH_ENABLED', true),
    resolve: repositoryFolder,
    config: createPluginConfig(env),
  },
});

/** The sample model and a vector file in the data folder, overridden by IMAGE_SEARCH_CONFIG (JSON). */
function createPluginConfig(env) {
  const { embedding, vectors, ...others } = env.json('IMAGE_SEARCH_CONFIG', {});
  const vectorFile = path.join(prepareDataFolder(env), 'image-search.sqlite');
  return {
    ...others,
    embedding: mergeSection('provider', chooseModel(env('CLIP_MODEL')), embedding),
    vectors: mergeSection('store', { store: 'embedded', path: vectorFile }, vectors),
  };
}

function chooseModel(model) {
  // Most suites search for nothing, and many count what the model is asked.
  const warmStart = false;
  return model
    ? { provider: 'clip', model, warmStart }
    : {
        provider: 'clip',
        model: path.join(repositoryFolder, 'sample/model'),
        dtype: 'q8',
        warmStart,
      };
}

/** Settings of one provider or store don't apply to another. */
function mergeSection(kind, defaults, overrides = {}) {
  const isOtherKind = overrides[kind] !== undefined && overrides[kind] !== defaults[kind];
  return isOtherKind ? overrides : { ...defaults, ...overrides };
}
