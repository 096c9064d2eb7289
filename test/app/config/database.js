'use strict';
const path = require('node:path');
const { prepareDataFolder } = require('../data-folder');

/** APP_DATABASE (JSON: client, connection), or a SQLite file in the data folder. */
module.exports = ({ env }) => ({
  connection: env.json('APP_DATABASE', null) ?? {
    client: 'sqlite',
    connection: { filename: path.join(prepareDataFolder(env), 'strapi.sqlite') },
    useNullAsDefault: true,
  },
});
