'use strict';
const path = require('node:path');
const { prepareDataFolder } = require('../data-folder');

module.exports = ({ env }) =>
  env('DATABASE_CLIENT', 'sqlite') === 'postgres'
    ? {
        connection: {
          client: 'postgres',
          connection: {
            connectionString: env('DATABASE_URL'),
            schema: env('DATABASE_SCHEMA', 'public'),
          },
        },
      }
    : {
        connection: {
          client: 'sqlite',
          connection: { filename: path.join(prepareDataFolder(env), 'strapi.sqlite') },
          useNullAsDefault: true,
        },
      };
