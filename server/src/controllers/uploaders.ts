import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import {
  notesQuerySchema,
  type CheckResponse,
  type NotesResponse,
} from '../../../plugin/src/contracts/duplicates';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import type { ImageSearch } from '../composition';
import { toEvidence, toPairViews } from '../duplicates/pair-views';
import { keepVisiblePairs } from '../duplicates/visible-pairs';
import { adminFiles } from '../files/callers';
import { parseInput } from '../http/parse-input';
import { signalOf } from '../http/request-signal';
import { readPictureInput } from '../http/search-input';
import { FILE_UID } from '../plugin-id';

/** Newest open pairs among which notes are looked for; older ones are not told any more. */
const MOST_PAIRS = 300;
const MOST_NOTES = 20;

/** What whoever uploads is told of duplicates, before and after. */
export function createUploaderHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi);

  /** Those of the pairs whose newer file this user uploaded. */
  async function keepOwn(pairs: readonly DuplicatePair[], userId: number) {
    const newer = pairs.map(({ fileB }) => fileB);
    const own: { id: number }[] = await strapi.db
      .query(FILE_UID)
      .findMany({ where: { id: { $in: newer }, createdBy: userId }, select: ['id'] });
    const ids = new Set(own.map(({ id }) => id));
    return pairs.filter(({ fileB }) => ids.has(fileB));
  }

  return {
    check: async (ctx: Context): Promise<void> => {
      const visible = await visibleFilesOf(ctx, undefined);
      const { check, inputLimits } = imageSearch();
      const { bytes } = await readPictureInput(ctx, inputLimits);
      const { matches, isComplete } = await check(bytes, signalOf(ctx));
      const files = await visible.load(matches.map(({ fileId }) => fileId));
      ctx.body = {
        data: matches.flatMap(({ fileId, verdict }) => {
          const file = files.get(fileId);
          const evidence = toEvidence(verdict, { one: null, other: fileId });
          return file ? [{ kind: verdict.kind, evidence, file }] : [];
        }),
        meta: { isComplete },
      } satisfies CheckResponse;
    },

    notes: async (ctx: Context): Promise<void> => {
      const { after } = parseInput(notesQuerySchema, ctx.query);
      const visible = await visibleFilesOf(ctx, undefined);
      const { pairs, warnsUploaders: isWarning } = imageSearch();
      const limit = after === undefined || !isWarning ? 1 : MOST_PAIRS;
      const newest = (await pairs.list({ status: 'open', cursor: null, limit })).pairs;
      const meta = { after: Math.max(after ?? 0, newest[0]?.id ?? 0), isWarning };
      const fresh = isWarning && after !== undefined ? newest.filter(({ id }) => id > after) : [];
      const { user } = ctx.state as { user: { id: number } };
      const own = await keepVisiblePairs(strapi, visible, await keepOwn(fresh, user.id));
      const views = await toPairViews(strapi, own.slice(0, MOST_NOTES));
      const files = await visible.load(views.flatMap(({ fileA, fileB }) => [fileA, fileB]));
      ctx.body = {
        data: views.flatMap((pair) => {
          const [duplicateOf, file] = [files.get(pair.fileA), files.get(pair.fileB)];
          return file && duplicateOf ? [{ pair, file, duplicateOf }] : [];
        }),
        meta,
      } satisfies NotesResponse;
    },
  };
}
