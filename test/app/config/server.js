'use strict';
const path = require('node:path');
const { prepareDataFolder, readSecrets } = require('../data-folder');

module.exports = ({ env }) => ({
  host: env('HOST', '127.0.0.1'),
  port: env.int('PORT', 1337),
  app: { keys: readSecrets(env).appKeys },
  mcp: { enabled: env.bool('MCP_ENABLED', false) },
  dirs: { public: path.join(prepareDataFolder(env), 'public') },
  logger: {
    config: { level: env('LOG_LEVEL', 'info') },
    startup: { enabled: false },
    updates: { enabled: false },
  },
});
