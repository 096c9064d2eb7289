import type { Context } from 'koa';
import {
  publicDuplicatesQuerySchema,
  type PublicDuplicatesResponse,
} from '../../../plugin/src/contracts/duplicates';
import { toPaginationMeta } from '../../../plugin/src/contracts/rest';
import type { CommonSearchInput } from '../../../plugin/src/contracts/search';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import type { ImageSearch } from '../composition';
import { scoreOf, toEvidence } from '../duplicates/pair-views';
import type { VisibleFilesOf } from '../files/callers';
import type { FileView } from '../files/visible-files';
import { requireReadable } from '../files/file-access';
import { fileParametersSchema, parseInput, readQuery } from '../http/parse-input';

/** The newest pairs of a file that are sorted and paged; older ones are ignored. */
const MAX_PAIRS = 1_000;

/**
 * A page of a file's duplicates that are open, most similar first.
 *
 * @throws ImageSearchError `file-not-found` for a file that the caller can't see
 */
export async function findDuplicates(
  { pairs: repository }: Pick<ImageSearch, 'pairs'>,
  {
    fileId: id,
    visible,
    minScore = -1,
    pagination,
  }: {
    fileId: number;
    visible: VisibleFiles<FileView>;
  } & Pick<CommonSearchInput, 'minScore' | 'pagination'>,
): Promise<PublicDuplicatesResponse> {
  await requireReadable(visible, id);
  const pairs = await repository.pairsTouching({ fileIds: [id], status: 'open', limit: MAX_PAIRS });
  const found = pairs
    .map(({ fileA, fileB, verdict }) => ({
      fileId: fileA === id ? fileB : fileA,
      score: scoreOf(verdict),
      kind: verdict.kind,
      evidence: toEvidence(verdict, { one: fileA, other: fileB }),
    }))
    .filter(({ score }) => score >= minScore)
    .sort((one, other) => other.score - one.score || one.fileId - other.fileId);
  const kept = await visible.filterVisible(found.map(({ fileId }) => fileId));
  const matches = found.filter(({ fileId }) => kept.has(fileId));
  const { start, limit } = pagination;
  const page = matches.slice(start, start + limit);
  const files = await visible.load(page.map(({ fileId }) => fileId));
  return {
    data: page.flatMap(({ fileId, ...match }) => {
      const file = files.get(fileId);
      return file ? [{ ...match, file }] : [];
    }),
    meta: {
      pagination: toPaginationMeta(pagination, {
        hasMore: matches.length > start + limit,
        total: pairs.length < MAX_PAIRS ? matches.length : null,
      }),
    },
  };
}

/** The duplicates of one file for frontends and automations, except pairs that were ignored. */
export function createPublicDuplicatesHandlers(options: {
  imageSearch: () => ImageSearch;
  visibleFilesOf: VisibleFilesOf;
}) {
  const { imageSearch, visibleFilesOf } = options;
  return {
    findOne: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      const input = parseInput(publicDuplicatesQuerySchema, readQuery(ctx));
      const visible = await visibleFilesOf(ctx, input.filters, input);
      ctx.body = await findDuplicates(imageSearch(), { ...input, fileId: id, visible });
    },
  };
}
