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
  .then((strapi) => {
    if (process.env.DIES_BEFORE_WRITE)
      dieBeforeWrite(strapi, Number(process.env.DIES_BEFORE_WRITE));
    process.send?.({ port: strapi.server.httpServer.address().port });
  });

/** Bookkeeping of Strapi and of background jobs, at any time. */
const ASIDE = /image_search_jobs|strapi_|admin_/;

/**
 * Tells its parent of each statement that writes, and of the commits of those; this process kills itself before the
 * `last` of them, counted from 1.
 */
function dieBeforeWrite(strapi, last) {
  let count = 0;
  let hasWritten = false;
  strapi.db.connection.on('query', ({ sql }) => {
    const [verb = ''] = sql.trim().toLowerCase().split(/[\s;]/, 1);
    const isCommit = verb === 'commit' && hasWritten;
    if (!isCommit && !['insert', 'update', 'delete'].includes(verb)) return;
    if (ASIDE.test(sql)) return;
    hasWritten = !isCommit;
    count += 1;
    if (count === last) process.kill(process.pid, 'SIGKILL');
    process.send?.({ write: sql });
  });
}
