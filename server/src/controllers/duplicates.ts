import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import {
  notesQuerySchema,
  type CheckResponse,
  type NotesResponse,
  reviewBodySchema,
  duplicatesQuerySchema,
  fileDuplicatesQuerySchema,
  pairParametersSchema,
  type ReviewResponse,
  type DuplicatesResponse,
  type FileDuplicatesResponse,
  type ScanResponse,
} from '../../../plugin/src/contracts/duplicates';
import {
  type FileUsageResponse,
  mergeBodySchema,
  type MergeResponse,
} from '../../../plugin/src/contracts/merging';
import type { DuplicatePair } from '../../../plugin/src/duplicates/contract';
import { groupOfPair, pageOfGroups } from '../../../plugin/src/duplicates/groups';
import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import type { ImageSearch } from '../composition';
import {
  toEvidence,
  toGroupViews,
  toPairViews,
  findExisting,
  keepVisiblePairs,
} from '../duplicates/pair-views';
import { adminFiles } from '../files/callers';
import { checkMergePermission, requireReadable } from '../files/file-access';
import type { FileView } from '../files/visible-files';
import { fileParametersSchema, parseInput, readBody, readQuery } from '../http/parse-input';
import { signalOf } from '../http/request-signal';
import { readImageInput } from '../http/search-input';
import { hideUnreadableTitles, hideTitlesInReport, listUses } from '../merging/report';
import { FILE_UID } from '../plugin-id';
import { findUsage } from '../usage/usage';

/** Pairs returned for one file, newest first. */
const MAX_PAIRS_OF_FILE = 200;

type Visible = VisibleFiles<FileView>;

/** The panel's list of duplicates and the review of pairs. */
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
      } = parseInput(duplicatesQuerySchema, readQuery(ctx));
      const visible = await visibleFilesOf(ctx, undefined);
      const { mergeJournal, pairs } = imageSearch();
      const asked = { ...choice, keep: (found: readonly DuplicatePair[]) => keep(visible, found) };
      const page =
        pair === undefined
          ? await pageOfGroups(pairs, { ...asked, cursor, limit })
          : await groupOfPair(pairs, { ...asked, pairId: pair });
      ctx.body = {
        data: await toGroupViews(strapi, visible, page),
        meta: {
          nextCursor: page.nextCursor,
          counts: visible.isNarrowed
            ? null
            : {
                ...(await pairs.counts(['open', 'ignored'])),
                merged: await mergeJournal.count(),
              },
        },
      } satisfies DuplicatesResponse;
    },

    review: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(pairParametersSchema, ctx['params']);
      const { status } = parseInput(reviewBodySchema, readBody(ctx));
      const visible = await visibleFilesOf(ctx, undefined);
      const { pairs } = imageSearch();
      const [found] = await pairs.get([id]);
      if (found) await requirePresent(found);
      if (!found || (await keep(visible, [found])).length === 0) throw noPairError(id);
      const { user } = ctx.state as { user: { id: number } };
      const updated = await pairs.review(id, { status, userId: user.id, reviewedAt: new Date() });
      if (!updated) throw noPairError(id);
      if (updated.status === 'merged') throw mergedError(updated);
      const [data] = await toPairViews(strapi, [updated]);
      if (data) ctx.body = { data } satisfies ReviewResponse;
    },

    ofFile: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const { status } = parseInput(fileDuplicatesQuerySchema, readQuery(ctx));
      const visible = await visibleFilesOf(ctx, undefined);
      await requireReadable(visible, id);
      const { pairs } = imageSearch();
      const found = await pairs.pairsTouching({ fileIds: [id], status, limit: MAX_PAIRS_OF_FILE });
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
      const { uses, ...meta } = listUses((await findUsage(strapi, [id])).get(id) ?? []);
      ctx.body = {
        data: await hideUnreadableTitles(strapi, { ability, uses }),
        meta,
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
      message: `File ${String(gone)} of this pair was deleted; there is nothing left to review.`,
      retryable: false,
    });
  }
}

function noPairError(id: number): ImageSearchError {
  return new ImageSearchError({
    code: 'pair-not-found',
    message: `Pair ${String(id)} not found: one of its files was deleted or replaced, or your role can't see it.`,
    retryable: false,
  });
}

function mergedError({ id, fileA, fileB }: DuplicatePair): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: `Pair ${String(id)}: files ${String(fileA)} and ${String(fileB)} were merged. Undo the merge to review them again.`,
    retryable: false,
  });
}

/** Merges files that show the same image; a dry run returns what would be done and writes nothing. */
export function createMergingHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  return {
    merge: async (ctx: Context): Promise<void> => {
      const { fileIds, keepId, dryRun } = parseInput(mergeBodySchema, readBody(ctx));
      const { user, userAbility: ability } = ctx.state as AdminState;
      await checkMergePermission(strapi, { ability, fileIds });
      const { merging } = imageSearch();
      const report = dryRun
        ? await merging.plan({ fileIds, keepId })
        : await merging.perform({ fileIds, keepId, userId: user.id });
      ctx.body = {
        data: await hideTitlesInReport(strapi, { ability, report }),
      } satisfies MergeResponse;
    },
  };
}

/** Set by Strapi's authentication on admin requests. */
interface AdminState {
  user: { id: number };
  userAbility: unknown;
}

/** The scan of the whole library: its progress, start or resume, stop. */
export function createScanHandlers(imageSearch: () => ImageSearch) {
  const answer =
    (act: 'describe' | 'begin' | 'halt') =>
    async (ctx: Context): Promise<void> => {
      ctx.body = { data: await imageSearch().duplicates.scan[act]() } satisfies ScanResponse;
    };
  return { find: answer('describe'), start: answer('begin'), stop: answer('halt') };
}

/** The newest open pairs that are searched for notes. */
const MAX_NOTED_PAIRS = 300;
const MAX_NOTES = 20;

/** Duplicate warnings for uploaders, before and after an upload. */
export function createUploaderHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi);

  /** The pairs whose newer file this user uploaded. */
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
      const { checkImage, inputLimits } = imageSearch();
      const { bytes } = await readImageInput(ctx, inputLimits);
      const { matches, isComplete } = await checkImage(bytes, signalOf(ctx));
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
      const { after } = parseInput(notesQuerySchema, readQuery(ctx));
      const visible = await visibleFilesOf(ctx, undefined);
      const { pairs, warnsUploaders } = imageSearch();
      const limit = after === undefined || !warnsUploaders ? 1 : MAX_NOTED_PAIRS;
      const newest = (await pairs.list({ status: 'open', cursor: null, limit })).pairs;
      const meta = { after: Math.max(after ?? 0, newest[0]?.id ?? 0), warnsUploaders };
      const fresh =
        warnsUploaders && after !== undefined ? newest.filter(({ id }) => id > after) : [];
      const { user } = ctx.state as { user: { id: number } };
      const own = await keepVisiblePairs(strapi, visible, await keepOwn(fresh, user.id));
      const views = await toPairViews(strapi, own.slice(0, MAX_NOTES));
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
