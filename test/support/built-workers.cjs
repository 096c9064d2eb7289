'use strict';
const path = require('node:path');

const workersFolder = path.resolve(__dirname, '../../dist/workers');

/** Stands for plugin/src/workers where the plugin has just been built: its programs start several times faster than their sources. */
const resolveBuiltWorker = (name) => ({
  file: path.join(workersFolder, name, 'index.js'),
  execArgv: [],
});

module.exports = { resolveBuiltWorker, resolveWorker: resolveBuiltWorker };
