'use strict';
const { createStrapi } = require('@strapi/strapi');

/** A Strapi process of its own; tells its parent the port once it listens (PORT=0 takes any free one). */
createStrapi({
  appDir: __dirname,
  distDir: __dirname,
  serveAdminPanel: process.env.APP_SERVE_PANEL === 'true',
})
  .start()
  .then((strapi) => process.send?.({ port: strapi.server.httpServer.address().port }));
