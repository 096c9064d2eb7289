import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/** What a static host would serve: the page, the client, and where Strapi is. */
const strapi = (process.env.STRAPI_URL ?? 'http://localhost:1337').replace(/\/+$/, '');
const files = {
  '/': ['text/html', new URL('./index.html', import.meta.url)],
  '/search.mjs': ['text/javascript', new URL('./search.mjs', import.meta.url)],
  '/client.mjs': ['text/javascript', import.meta.resolve('strapi-plugin-image-search/client')],
};

const server = createServer((request, response) => {
  const [pathname] = request.url.split('?');
  if (pathname === '/config.json') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ strapi }));
    return;
  }
  const [type, address] = files[pathname] ?? [];
  if (!type) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader('content-type', `${type}; charset=utf-8`);
  createReadStream(fileURLToPath(address)).pipe(response);
});
server.listen(Number(process.env.PORT ?? 4000), () => {
  console.log(`http://localhost:${String(server.address().port)}`);
});
