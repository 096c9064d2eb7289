'use strict';
const { createStrapi } = require('@strapi/strapi');

/** The app's folder, when it is another than this one. */
const folder = process.env.APP_FOLDER ?? __dirname;

/** A Strapi process of its own; tells its parent the port once it listens (PORT=0 takes any free one). */
createStrapi({
  appDir: folder,
  distDir: folder,
  serveAdminPanel: process.env.APP_SERVE_PANEL === 'true',
})
  .start()
  .then((strapi) => process.send?.({ port: strapi.server.httpServer.address().port }));
