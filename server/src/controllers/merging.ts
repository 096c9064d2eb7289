import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { mergeBodySchema, type MergeResponse } from '../../../plugin/src/contracts/merging';
import type { ImageSearch } from '../composition';
import { parseInput } from '../http/parse-input';
import { checkMergePermission } from '../merging/merge-permission';
import { hideTitlesInReport } from '../merging/readable-uses';

/** Merging files that show the same; a dry run answers what would be done and writes nothing. */
export function createMergingHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  return {
    merge: async (ctx: Context): Promise<void> => {
      const { body } = ctx.request as { body?: unknown };
      const { fileIds, keepId, dryRun } = parseInput(mergeBodySchema, body ?? {});
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

/** What Strapi's authentication leaves in the state of an admin request. */
interface AdminState {
  user: { id: number };
  userAbility: unknown;
}
