import type { Core } from '@strapi/strapi';
import type { DuplicateGroupView } from '../../../plugin/src/contracts/duplicates';
import type { GroupPage } from '../../../plugin/src/duplicates/contract';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import type { FileView } from '../files/visible-files';
import { toPairViews } from './pair-views';

/** What the panel is told of these groups, in their order. What was deleted since they were read is left out. */
export async function toGroupViews(
  strapi: Core.Strapi,
  visible: Pick<VisibleFiles<FileView>, 'load'>,
  { groups }: GroupPage,
): Promise<DuplicateGroupView[]> {
  const fileIds = groups.flatMap(({ representative, members }) => [representative, ...members]);
  const files = await visible.load([...new Set(fileIds)]);
  const pairs = await toPairViews(
    strapi,
    groups.flatMap((group) => group.pairs),
  );
  const views = new Map(pairs.map((pair) => [pair.id, pair]));
  return groups.flatMap((group) => {
    const shown = group.pairs
      .flatMap(({ id }) => views.get(id) ?? [])
      .filter(
        ({ fileA, fileB, status }) => status === 'merged' || (files.has(fileA) && files.has(fileB)),
      );
    const [newest] = shown;
    if (!newest) return [];
    const { representative, members, hasMore } = group;
    return [
      {
        id: newest.id,
        representativeId: representative,
        files: [representative, ...members].flatMap((id) => files.get(id) ?? []),
        pairs: shown,
        hasMore,
      },
    ];
  });
}
