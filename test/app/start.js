'use strict';
const { createStrapi } = require('@strapi/strapi');

/** Another app's folder can replace this one. */
const folder = process.env.APP_FOLDER ?? __dirname;

/** A separate Strapi process. Sends its parent the port once it listens (PORT=0 chooses a free one). */
createStrapi({
  appDir: folder,
  distDir: folder,
  serveAdminPanel: process.env.APP_SERVE_PANEL === 'true',
})
  .start()
  .then((strapi) => process.send?.({ port: strapi.server.httpServer.address().port }));
