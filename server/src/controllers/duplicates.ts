import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import {
  decisionBodySchema,
  duplicatesQuerySchema,
  fileDuplicatesQuerySchema,
  pairParametersSchema,
  type DecisionResponse,
  type DuplicatesResponse,
  type FileDuplicatesResponse,
} from '../../../plugin/src/contracts/duplicates';
import { mergingLimits, type FileUsageResponse } from '../../../plugin/src/contracts/merging';
import {
  groupOfPair,
  pageOfGroups,
  type DuplicatePair,
} from '../../../plugin/src/duplicates/contract';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import type { ImageSearch } from '../composition';
import { toGroupViews } from '../duplicates/group-views';
import { toPairViews } from '../duplicates/pair-views';
import { findExisting, keepVisiblePairs } from '../duplicates/visible-pairs';
import { adminFiles } from '../files/callers';
import type { FileView } from '../files/visible-files';
import { requireReadable } from '../files/readable-file';
import { fileParametersSchema, parseInput } from '../http/parse-input';
import { toFileUse } from '../merging/report';
import { hideUnreadableTitles } from '../merging/readable-uses';
import { findUsage } from '../usage/usage';

/** Most pairs that are told of one file, the newest. */
const MOST_OF_FILE = 200;

type Visible = VisibleFiles<FileView>;

/** What the panel shows of duplicates, and what is decided about them. */
export function createDuplicatesHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi);
  const keep = (visible: Visible, pairs: readonly DuplicatePair[]) =>
    keepVisiblePairs(strapi, visible, pairs);

  return {
    list: async (ctx: Context): Promise<void> => {
      const {
        cursor = null,
        limit,
        pair,
        ...choice
      } = parseInput(duplicatesQuerySchema, ctx.query);
      const visible = await visibleFilesOf(ctx, undefined);
      const { pairs } = imageSearch();
      const asked = { ...choice, keep: (found: readonly DuplicatePair[]) => keep(visible, found) };
      const page =
        pair === undefined
          ? await pageOfGroups(pairs, { ...asked, cursor, limit })
          : await groupOfPair(pairs, { ...asked, pairId: pair });
      ctx.body = {
        data: await toGroupViews(strapi, visible, page),
        meta: {
          nextCursor: page.nextCursor,
          counts: visible.isNarrowed ? null : await pairs.counts(),
        },
      } satisfies DuplicatesResponse;
    },

    decide: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(pairParametersSchema, ctx['params']);
      const { body } = ctx.request as { body?: unknown };
      const { status } = parseInput(decisionBodySchema, body ?? {});
      const visible = await visibleFilesOf(ctx, undefined);
      const { pairs } = imageSearch();
      const [found] = await pairs.get([id]);
      if (found) await requirePresent(found);
      if (!found || (await keep(visible, [found])).length === 0) throw noPairError(id);
      const { user } = ctx.state as { user: { id: number } };
      const decided = await pairs.decide(id, { status, userId: user.id, decidedAt: new Date() });
      if (!decided) throw noPairError(id);
      if (decided.status === 'merged') throw mergedError(decided);
      const [data] = await toPairViews(strapi, [decided]);
      if (data) ctx.body = { data } satisfies DecisionResponse;
    },

    ofFile: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const { status } = parseInput(fileDuplicatesQuerySchema, ctx.query);
      const visible = await visibleFilesOf(ctx, undefined);
      await requireReadable(visible, id);
      const { pairs } = imageSearch();
      const found = await pairs.pairsTouching({ fileIds: [id], status, limit: MOST_OF_FILE });
      const views = await toPairViews(strapi, await keep(visible, found));
      const otherOf = ({ fileA, fileB }: { fileA: number; fileB: number }) =>
        fileA === id ? fileB : fileA;
      const files = await visible.load(views.map(otherOf));
      ctx.body = {
        data: views.flatMap((pair) => {
          const file = files.get(otherOf(pair));
          return file ? [{ pair, file }] : [];
        }),
      } satisfies FileDuplicatesResponse;
    },

    usage: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      await requireReadable(await visibleFilesOf(ctx, undefined), id);
      const { userAbility: ability } = ctx.state as { userAbility: unknown };
      const uses = (await findUsage(strapi, [id])).get(id) ?? [];
      const told = uses.slice(0, mergingLimits.maxUsesTold).map(toFileUse);
      ctx.body = {
        data: await hideUnreadableTitles(strapi, { ability, uses: told }),
        meta: { useCount: uses.length },
      } satisfies FileUsageResponse;
    },
  };

  async function requirePresent({ fileA, fileB, status }: DuplicatePair): Promise<void> {
    if (status === 'merged') return;
    const existing = await findExisting(strapi, [fileA, fileB]);
    const gone = [fileA, fileB].find((fileId) => !existing.has(fileId));
    if (gone === undefined) return;
    throw new ImageSearchError({
      code: 'file-not-found',
      message: `File ${String(gone)} of this pair was deleted; there is nothing left to decide.`,
      retryable: false,
    });
  }
}

function noPairError(id: number): ImageSearchError {
  return new ImageSearchError({
    code: 'pair-not-found',
    message: `There is no pair ${String(id)}. One of its files was deleted or replaced, or your role may not see it.`,
    retryable: false,
  });
}

function mergedError({ id, fileA, fileB }: DuplicatePair): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: `Pair ${String(id)}: files ${String(fileA)} and ${String(fileB)} were merged; that is not taken back.`,
    retryable: false,
  });
}
