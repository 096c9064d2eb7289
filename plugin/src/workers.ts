import { createRequire } from 'node:module';

/**
 * Path of a compiled file that runs beside the server: every one is an entry of this package's `exports`, so that
 * it is found from the built bundle and from the sources alike.
 */
export function resolveWorkerFile(name: 'clip' | 'drawing' | 'embedded-store'): string {
  return createRequire(import.meta.url).resolve(`strapi-plugin-image-search/workers/${name}`);
}
