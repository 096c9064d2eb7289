import type { Core } from '@strapi/strapi';
import type { FileUse, MergeReport } from '../../../plugin/src/contracts/merging';
import { chunksOf } from '../usage/database-tables';
import { groupBy } from '../usage/grouping';

const READ_ENTRIES = 'plugin::content-manager.explorer.read';

interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Record<string, unknown> | null | undefined;
}

/** The report with `hideUnreadableTitles` of its uses. */
export async function hideTitlesInReport(
  strapi: Core.Strapi,
  { ability, report }: { ability: unknown; report: MergeReport },
): Promise<MergeReport> {
  const files = report.files.map(async (file) => ({
    ...file,
    uses: await hideUnreadableTitles(strapi, { ability, uses: file.uses }),
  }));
  return { ...report, files: await Promise.all(files) };
}

/**
 * Uses without the titles of entries that this administrator may not read in the Content Manager: that an entry uses
 * a file must be told before the file goes, what it is called need not.
 *
 * @param ability `ctx.state.userAbility` of an admin request
 */
export async function hideUnreadableTitles(
  strapi: Core.Strapi,
  { ability, uses }: { ability: unknown; uses: readonly FileUse[] },
): Promise<FileUse[]> {
  const readable = new Set<string>();
  for (const [uid, ofType] of groupBy(uses, ({ contentType }) => contentType.uid)) {
    const ids = new Set(ofType.map(({ entryId }) => entryId));
    for (const id of await readableIds(strapi, { ability, uid, ids })) {
      readable.add(`${uid} ${String(id)}`);
    }
  }
  return uses.map((use) =>
    readable.has(`${use.contentType.uid} ${String(use.entryId)}`) ? use : { ...use, title: null },
  );
}

async function readableIds(
  strapi: Core.Strapi,
  { ability, uid, ids }: { ability: unknown; uid: string; ids: Set<number> },
): Promise<number[]> {
  const manager = strapi
    .service('admin::permission')
    .createPermissionsManager({ ability, action: READ_ENTRIES, model: uid }) as PermissionsManager;
  if (!manager.isAllowed) return [];
  const filters = manager.getQuery() ?? {};
  const { where = {} } = strapi.get('query-params').transform(uid, { filters }) as {
    where?: object;
  };
  const readable: number[] = [];
  for (const some of chunksOf(ids)) {
    const rows: { id: number }[] = await strapi.db
      .query(uid)
      .findMany({ where: { $and: [where, { id: { $in: some } }] }, select: ['id'] });
    readable.push(...rows.map(({ id }) => id));
  }
  return readable;
}
