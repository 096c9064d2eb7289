import { rm } from 'node:fs/promises';
import type { Context, Next } from 'koa';
import type { Logger } from '../../../plugin/src/logger';
import { PLUGIN_ID } from '../plugin-id';

interface ParsedFile {
  filepath?: string;
}

/** By the name of their part. */
type ParsedFiles = Record<string, ParsedFile | ParsedFile[]>;

/**
 * Removes what Strapi's body parser wrote to the temporary folder for a request to this plugin, refused or answered:
 * Strapi itself cleans up its own uploads only, and a picture that is searched with is never kept.
 */
export function removeTemporaryFiles(options: { apiPrefix: string; logger: Logger }) {
  // Strapi's router takes capital letters for small ones.
  const prefixes = [`/${PLUGIN_ID}/`, `${options.apiPrefix}/${PLUGIN_ID}/`.toLowerCase()];
  return async (ctx: Context, next: Next): Promise<void> => {
    if (!prefixes.some((prefix) => ctx.path.toLowerCase().startsWith(prefix))) {
      await next();
      return;
    }
    const parsedFiles = rememberFiles(ctx);
    try {
      await next();
    } finally {
      await Promise.all(parsedFiles().map((file) => remove(file, options.logger)));
    }
  };
}

/** Strapi's body parser forgets the files of a request when one part is called "files", and removes that one alone. */
function rememberFiles(ctx: Context): () => ParsedFile[] {
  let files: ParsedFiles | undefined;
  Object.defineProperty(ctx.request, 'files', {
    configurable: true,
    get: () => files,
    set: (parsed: ParsedFiles) => {
      files = parsed;
    },
  });
  return () => Object.values(files ?? {}).flat();
}

export function filesOf(ctx: Context): ParsedFiles {
  const { files } = ctx.request as { files?: ParsedFiles };
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
