import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import type { FileIndexResponse } from '../../../plugin/src/contracts/file-index';
import type { ImageSearch } from '../composition';
import { adminFiles } from '../files/callers';
import { requireReadable } from '../files/readable-file';
import { fileParametersSchema, parseInput } from '../http/parse-input';
import { adminActions } from '../permissions';

/** Whether searches find a file, for those who look at it. */
export function createFileIndexHandlers(strapi: Core.Strapi, imageSearch: () => ImageSearch) {
  const visibleFilesOf = adminFiles(strapi);

  return {
    find: async (ctx: Context): Promise<void> => {
      const { id } = parseInput(fileParametersSchema, ctx['params']);
      await requireReadable(await visibleFilesOf(ctx, undefined), id);
      const described = await imageSearch().fileIndex.describe(id);
      const { userAbility } = ctx.state as { userAbility: { can(action: string): boolean } };
      const isOperator = userAbility.can(adminActions.manage);
      ctx.body = {
        data: { ...described, message: isOperator ? described.message : null },
      } satisfies FileIndexResponse;
    },
  };
}
