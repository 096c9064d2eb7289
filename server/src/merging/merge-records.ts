import type { Core } from '@strapi/strapi';
import { mergingLimits, type MergeRecord } from '../../../plugin/src/contracts/merging';
import type { VisibleFiles } from '../../../plugin/src/search/contract';
import { findAdministrators } from '../duplicates/pair-views';
import type { FileView } from '../files/visible-files';
import { groupBy } from '../usage/database-tables';
import { loadFiles } from '../usage/library-files';
import { reasonOfGone } from './copy-removal';
import {
  isRecoverable,
  type JournaledCopy,
  type JournaledMerge,
  type MergeJournal,
} from './journal';
import { hideUnreadableTitles } from './report';

export interface RecordOptions {
  journal: MergeJournal;
  /** Including files in the trash. */
  visible: Pick<VisibleFiles<FileView>, 'isNarrowed' | 'load'>;
  /** `ctx.state.userAbility` of an admin request. */
  ability: unknown;
}

const hiddenCopy = {
  documentId: null,
  name: '',
  contentHash: null,
  mime: null,
  bytes: null,
  url: null,
  reason: null,
};

/** Merges as the panel gets them, in the given order. Of files that the caller may not see, only ids and states. */
export async function toMergeRecords(
  strapi: Core.Strapi,
  merges: readonly JournaledMerge[],
  { ability, journal, visible }: RecordOptions,
): Promise<MergeRecord[]> {
  const copies = await journal.copiesOf(merges.map(({ id }) => id));
  const ofMerge = groupBy(copies, ({ mergeId }) => mergeId);
  const fileIds = [...merges.map(({ keptId }) => keptId), ...copies.map(({ fileId }) => fileId)];
  const files = await loadFiles(strapi, [...new Set(fileIds)]);
  const views = await visible.load([...new Set(fileIds)]);
  const names = await findAdministrators(
    strapi,
    merges.flatMap(({ mergedBy, undoneBy }) => [mergedBy ?? [], undoneBy ?? []].flat()),
  );
  const userOf = (id: number | null): { id: number; name: string } | null => {
    const name = id === null ? undefined : names.get(id);
    return id === null || name === undefined ? null : { id, name };
  };
  const find = (id: number, documentId: string) =>
    files.find((file) => file.id === id && file.documentId === documentId);
  const isShown = (id: number): boolean => !visible.isNarrowed || views.has(id);

  function describeCopy(copy: JournaledCopy) {
    const { contentHash, file, fileDocumentId: documentId, fileId, reason, state } = copy;
    const stored = find(fileId, documentId);
    const isGone = !stored && state !== 'deleted';
    const shown = { fileId, state: isGone ? ('deleted' as const) : state };
    if (!isShown(fileId)) return { ...shown, ...hiddenCopy };
    return {
      ...shown,
      documentId,
      name: file.name,
      contentHash,
      mime: file.mime,
      bytes: Math.round(file.size * 1_000),
      url: stored ? previewUrlOf(views.get(fileId)) : null,
      reason: isGone ? reasonOfGone(copy) : reason,
    };
  }

  return Promise.all(
    merges.map(async (merge): Promise<MergeRecord> => {
      const { id, batchId, keptId, keptDocumentId, mergedAt, movedUses, outcome, state, undoneAt } =
        merge;
      const journaled = ofMerge.get(id) ?? [];
      const described = journaled.map(describeCopy);
      const kept = find(keptId, keptDocumentId);
      const dueDates = journaled.flatMap(({ emptiesAt }, index) =>
        isInTrash(described[index]?.state) ? [emptiesAt.getTime()] : [],
      );
      const unrestored = outcome?.unrestored.slice(0, mergingLimits.maxListedUses) ?? [];
      const uses = await hideUnreadableTitles(strapi, {
        ability,
        uses: unrestored.map(({ use }) => use),
      });
      return {
        id,
        batchId,
        state,
        mergedAt: mergedAt.toISOString(),
        mergedBy: userOf(merge.mergedBy),
        kept: {
          fileId: keptId,
          name: isShown(keptId) ? (kept?.name ?? merge.keptName) : '',
          mime: (isShown(keptId) && kept?.mime) || '',
          url: kept ? previewUrlOf(views.get(keptId)) : null,
          isDeleted: !kept,
        },
        copies: described,
        movedUses,
        emptiesAt: dueDates.length === 0 ? null : new Date(Math.min(...dueDates)).toISOString(),
        canUndo:
          state === 'done' &&
          journaled.some(
            (copy, index) => described[index]?.state !== 'deleted' && isRecoverable(copy),
          ),
        undo: undoneAt && {
          at: undoneAt.toISOString(),
          by: userOf(merge.undoneBy),
          restoredUses: outcome?.restoredUses ?? 0,
          unrestored: unrestored.flatMap(({ reason }, index) => {
            const use = uses[index];
            return use ? [{ use, reason }] : [];
          }),
          unrestoredCount: outcome?.unrestored.length ?? 0,
        },
      };
    }),
  );
}

function isInTrash(state: string | undefined): boolean {
  return state === 'trashed' || state === 'emptying';
}

/** Of an image's smallest format; signed where storage is private. */
function previewUrlOf(file: FileView | undefined): string | null {
  const { mime, url, formats } = (file ?? {}) as {
    mime?: string;
    url?: string;
    formats?: { thumbnail?: { url?: string } } | null;
  };
  if (mime?.startsWith('image/') !== true) return null;
  return formats?.thumbnail?.url ?? url ?? null;
}
