'use strict';
const path = require('node:path');
const { prepareDataFolder } = require('../data-folder');

/** APP_DATABASE (JSON: client, connection), or a SQLite file in the data folder. */
module.exports = ({ env }) => ({
  connection: env.json('APP_DATABASE', null) ?? {
    client: 'sqlite',
    connection: { filename: path.join(prepareDataFolder(env), 'strapi.sqlite') },
    pool: { afterCreate: setSynchronous(env('APP_SQLITE_SYNCHRONOUS', 'FULL')) },
    useNullAsDefault: true,
  },
});

/** With OFF, SQLite doesn't wait for the disk: what is written survives a killed process, but no power cut. */
function setSynchronous(mode) {
  return (connection, done) => {
    connection.pragma(`synchronous = ${mode}`);
    done(null, connection);
  };
}
