import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import { z } from 'zod';
import { toImageSearchError, type ErrorCode } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { libraryOf } from '../assets/library';
import { imageSearchOf } from '../composition';
import { callersFiles, requireAction } from '../files/callers';
import type { FileView } from '../files/visible-files';
import { FILE_UID } from '../plugin-id';

/** For reading what was uploaded, and what is found. */
const CHECK_TIMEOUT_MS = 10_000;
/** Actions of Strapi's own that let a caller of the content API see a file. */
const SEEING_ACTIONS = ['plugin::upload.content-api.find', 'plugin::upload.content-api.findOne'];

const uploadedSchema = z.array(
  z.looseObject({ id: z.number(), name: z.string(), mime: z.string().catch('image/') }),
);

interface Route {
  method: string;
  path: string;
  config?: { middlewares?: unknown[] };
}

/**
 * Has uploads over the content API refused if the library has their bytes already (`duplicates.policy: 'reject'`).
 *
 * What Strapi stores is compared, because by default it compresses what it is sent, so an upload is checked after it was
 * stored: the new files are deleted through the upload service before the caller gets the answer. An upload that is
 * attached to an entry at once is never refused, since it may have replaced another file there. A check that fails lets
 * the upload stand.
 */
export function rejectIdenticalUploads(strapi: Core.Strapi, logger: Logger): void {
  const { routes } = strapi.plugin('upload') as unknown as {
    routes: { 'content-api'?: { routes?: Route[] } };
  };
  const route = routes['content-api']?.routes?.find(
    ({ method, path }) => method === 'POST' && path === '/',
  );
  if (!route) {
    logger.warn(
      'duplicates.policy: "reject" has no effect, because this version of Strapi has no known route for uploads. Duplicates are listed.',
    );
    return;
  }
  const middleware = async (ctx: Context, next: Next): Promise<void> => {
    await next();
    const uploaded = uploadedSchema.safeParse(ctx.body);
    if (ctx.status !== 201 || !uploaded.success || isAttached(ctx)) return;
    const found = await findIdentical(strapi, uploaded.data, logger);
    if (!found) return;
    const left = await remove(strapi, uploaded.data, logger);
    if (left.length > 0) {
      // Better twice in the library than nowhere: the answer lists what is there.
      ctx.body = (ctx.body as { id: number }[]).filter(({ id }) => left.includes(id));
      return;
    }
    await refuse(strapi, ctx, { ...found, isOneOfMany: uploaded.data.length > 1 });
  };
  route.config = {
    ...route.config,
    middlewares: [...(route.config?.middlewares ?? []), middleware],
  };
}

function isAttached(ctx: Context): boolean {
  const { body } = ctx.request as { body?: { refId?: unknown } };
  return body?.refId !== undefined;
}

type Uploaded = z.output<typeof uploadedSchema>[number];

/** The first of the uploaded images whose bytes an older file has; a check that fails finds nothing. */
async function findIdentical(
  strapi: Core.Strapi,
  uploaded: readonly Uploaded[],
  logger: Logger,
): Promise<{ name: string; existingId: number } | null> {
  const { duplicates } = imageSearchOf(strapi);
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  // Of two uploads at the same time, at most the later one is refused: neither takes the other for older.
  const olderThan = Math.min(...uploaded.map(({ id }) => id));
  for (const { id, mime, name } of uploaded) {
    if (!libraryOf(strapi).has(mime)) continue;
    try {
      const [existingId] = await duplicates.identicalTo(id, { olderThan, signal });
      if (existingId !== undefined) return { name, existingId };
    } catch (error) {
      logger.warn(
        `Couldn't check the upload ${name} for identical files, so it stands. ${toImageSearchError(error).message}`,
      );
    }
  }
  return null;
}

/** Deletes files as the Media Library does, and returns the ids of those that weren't deleted. */
async function remove(
  strapi: Core.Strapi,
  uploaded: readonly Uploaded[],
  logger: Logger,
): Promise<number[]> {
  const upload = strapi
    .plugin('upload')
    .service<{ remove(file: unknown): Promise<unknown> }>('upload');
  const left: number[] = [];
  for (const one of uploaded) {
    try {
      const file: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id: one.id } });
      if (file) await upload.remove(file);
    } catch (error) {
      left.push(one.id);
      logger.warn(
        `${one.name} is in the library twice, because the upload couldn't be deleted. ${toImageSearchError(error).message}`,
      );
    }
  }
  return left;
}

async function refuse(
  strapi: Core.Strapi,
  ctx: Context,
  { existingId, isOneOfMany, name }: { existingId: number; isOneOfMany: boolean; name: string },
): Promise<void> {
  const existing = await readExisting(strapi, ctx, existingId);
  const others = isOneOfMany ? ' None of the files of this request was kept.' : '';
  ctx.status = 409;
  ctx.body = {
    data: null,
    error: {
      status: 409,
      name: 'ConflictError',
      message: `${name} is in the Media Library already.${others}`,
      details: { code: 'conflict' satisfies ErrorCode, existing },
    },
  };
}

/** The file that is there already, if the caller may see files; null otherwise. */
async function readExisting(
  strapi: Core.Strapi,
  ctx: Context,
  fileId: number,
): Promise<FileView | null> {
  const { auth, route } = ctx.state as { auth: unknown; route: unknown };
  const may = await Promise.all(
    SEEING_ACTIONS.map((action) =>
      requireAction(strapi, auth, action).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (!may.includes(true)) return null;
  const visible = await callersFiles(strapi)({ kind: 'content-api', auth, route }, undefined);
  return (await visible.load([fileId])).get(fileId) ?? null;
}
