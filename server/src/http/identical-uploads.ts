import type { Core } from '@strapi/strapi';
import type { Context, Next } from 'koa';
import { z } from 'zod';
import { toImageSearchError, type ErrorCode } from '../../../plugin/src/errors';
import type { Logger } from '../../../plugin/src/logger';
import { imageSearchOf } from '../composition';
import { callersFiles, requireAction } from '../files/callers';
import type { FileView } from '../files/visible-files';
import { FILE_UID } from '../plugin-id';

/** For reading what was uploaded, and what is found. */
const CHECK_TIMEOUT_MS = 10_000;
/** Actions of Strapi's own that let a caller of the content API see a file. */
const SEEING_ACTIONS = ['plugin::upload.content-api.find', 'plugin::upload.content-api.findOne'];

const uploadedSchema = z.array(z.looseObject({ id: z.number(), name: z.string() }));

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
    try {
      await rejectIdentical(strapi, ctx, uploaded.data);
    } catch (error) {
      logger.warn(
        `Couldn't check an upload for identical files, so it stands. ${toImageSearchError(error).message}`,
      );
    }
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

async function rejectIdentical(
  strapi: Core.Strapi,
  ctx: Context,
  uploaded: z.output<typeof uploadedSchema>,
): Promise<void> {
  const { duplicates } = imageSearchOf(strapi);
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const newIds = uploaded.map(({ id }) => id);
  for (const { id, name } of uploaded) {
    const [existingId] = await duplicates.identicalTo(id, { except: newIds, signal });
    if (existingId === undefined) continue;
    await remove(strapi, newIds);
    const existing = await readExisting(strapi, ctx, existingId);
    const others = newIds.length > 1 ? ' None of the files of this request was kept.' : '';
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
    return;
  }
}

async function remove(strapi: Core.Strapi, fileIds: readonly number[]): Promise<void> {
  const upload = strapi
    .plugin('upload')
    .service<{ remove(file: unknown): Promise<unknown> }>('upload');
  for (const id of fileIds) {
    const file: unknown = await strapi.db.query(FILE_UID).findOne({ where: { id } });
    if (file) await upload.remove(file);
  }
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
