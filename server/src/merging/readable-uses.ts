import type { Core } from '@strapi/strapi';
import type { FileUse, MergeReport } from '../../../plugin/src/contracts/merging';
import { chunksOf } from '../usage/database-tables';
import { groupBy } from '../usage/grouping';

const READ_ENTRIES = 'plugin::content-manager.explorer.read';

interface PermissionsManager {
  isAllowed: boolean;
  getQuery(): Record<string, unknown> | null | undefined;
}

/**
 * The report without the titles of entries that this administrator may not read in the Content Manager: that an entry
 * uses a file must be told before the file goes, what it is called need not.
 *
 * @param ability `ctx.state.userAbility` of an admin request
 */
export async function hideUnreadableTitles(
  strapi: Core.Strapi,
  { ability, report }: { ability: unknown; report: MergeReport },
): Promise<MergeReport> {
  const uses = report.files.flatMap((file) => file.uses);
  const readable = new Set<string>();
  for (const [uid, ofType] of groupBy(uses, ({ contentType }) => contentType.uid)) {
    const ids = new Set(ofType.map(({ entryId }) => entryId));
    for (const id of await readableIds(strapi, { ability, uid, ids })) {
      readable.add(`${uid} ${String(id)}`);
    }
  }
  const hide = (use: FileUse): FileUse =>
    readable.has(`${use.contentType.uid} ${String(use.entryId)}`) ? use : { ...use, title: null };
  return {
    ...report,
    files: report.files.map((file) => ({ ...file, uses: file.uses.map(hide) })),
  };
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
