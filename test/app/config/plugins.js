'use strict';
const path = require('node:path');
const { prepareDataFolder, readSecrets } = require('../data-folder');

const repositoryFolder = path.resolve(__dirname, '../../..');

module.exports = ({ env }) => ({
  'users-permissions': { config: { jwtSecret: readSecrets(env).userJwtSecret } },
  'image-search': {
    enabled: env.bool('IMAGE_SEARCH_ENABLED', true),
    resolve: repositoryFolder,
    config: createPluginConfig(env),
  },
});

/** The sample model and a vector file in the data folder, under what IMAGE_SEARCH_CONFIG (JSON) says. */
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
  return model
    ? { provider: 'clip', model }
    : { provider: 'clip', model: path.join(repositoryFolder, 'sample/model'), dtype: 'q8' };
}

/** Settings of one kind of provider or store say nothing about another kind. */
function mergeSection(kind, defaults, overrides = {}) {
  const isOtherKind = overrides[kind] !== undefined && overrides[kind] !== defaults[kind];
  return isOtherKind ? overrides : { ...defaults, ...overrides };
}
