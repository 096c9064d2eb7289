import type { Context } from 'koa';
import type { PublicDuplicatesResponse } from '../../../plugin/src/contracts/duplicates';
import { similarQuerySchema } from '../../../plugin/src/contracts/search';
import type { ImageSearch } from '../composition';
import { scoreOf, toEvidence } from '../duplicates/pair-views';
import type { VisibleFilesOf } from '../files/callers';
import { requireReadable } from '../files/readable-file';
import { fileParametersSchema, parseInput } from '../http/parse-input';

/** Most pairs of a file that are looked at, the newest; all of them are put in order. */
const MOST_PAIRS = 1_000;

/** What frontends and automations are told of duplicates: those of one file that nobody said are none. */
export function createPublicDuplicatesHandlers(options: {
  imageSearch: () => ImageSearch;
  visibleFilesOf: VisibleFilesOf;
}) {
  const { imageSearch, visibleFilesOf } = options;
  return {
    findOne: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const { filters, pagination, minScore, ...traits } = parseInput(
        similarQuerySchema,
        ctx.query,
      );
      const visible = await visibleFilesOf(ctx, filters, traits);
      await requireReadable(visible, id);
      const pairs = await imageSearch().pairs.pairsTouching({
        ...{ fileIds: [id], status: 'open', limit: MOST_PAIRS },
      });
      const found = pairs
        .map(({ fileA, fileB, verdict }) => ({
          fileId: fileA === id ? fileB : fileA,
          score: scoreOf(verdict),
          kind: verdict.kind,
          evidence: toEvidence(verdict, { one: fileA, other: fileB }),
        }))
        .filter(({ score }) => score >= (minScore ?? -1))
        .sort((one, other) => other.score - one.score || one.fileId - other.fileId);
      const kept = await visible.keepVisible(found.map(({ fileId }) => fileId));
      const matches = found.filter(({ fileId }) => kept.has(fileId));
      const { start, limit } = pagination;
      const page = matches.slice(start, start + limit);
      const files = await visible.load(page.map(({ fileId }) => fileId));
      ctx.body = {
        data: page.flatMap(({ fileId, ...match }) => {
          const file = files.get(fileId);
          return file ? [{ ...match, file }] : [];
        }),
        meta: { pagination: { start, limit, hasMore: matches.length > start + limit } },
      } satisfies PublicDuplicatesResponse;
    },
  };
}
