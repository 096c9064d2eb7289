import { rm } from 'node:fs/promises';
import type { Context, Next } from 'koa';
import type { Logger } from '../../../plugin/src/logger';
import { PLUGIN_ID } from '../plugin-id';

interface ParsedFile {
  filepath?: string;
}

/**
 * Removes what Strapi's body parser wrote to the temporary folder for a request to this plugin, refused or answered:
 * Strapi itself cleans up its own uploads only, and a picture that is searched with is never kept.
 */
export function removeTemporaryFiles(options: { apiPrefix: string; logger: Logger }) {
  const prefixes = [`/${PLUGIN_ID}/`, `${options.apiPrefix}/${PLUGIN_ID}/`];
  return async (ctx: Context, next: Next): Promise<void> => {
    if (!prefixes.some((prefix) => ctx.path.startsWith(prefix))) {
      await next();
      return;
    }
    try {
      await next();
    } finally {
      const files = Object.values(filesOf(ctx)).flat();
      await Promise.all(files.map((file) => remove(file, options.logger)));
    }
  };
}

export function filesOf(ctx: Context): Record<string, ParsedFile | ParsedFile[]> {
  const { files } = ctx.request as { files?: Record<string, ParsedFile | ParsedFile[]> };
  return files ?? {};
}

async function remove(file: ParsedFile, logger: Logger): Promise<void> {
  if (file.filepath === undefined) return;
  try {
    await rm(file.filepath, { force: true });
  } catch (error) {
    logger.warn(`A temporary file of a search could not be removed: ${(error as Error).message}`);
  }
}
