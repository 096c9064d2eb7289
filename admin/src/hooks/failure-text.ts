import { useCallback } from 'react';
import type { FailureReason } from '../../../plugin/src/contracts/file-status';
import { ApiFailure, isForbidden, isNetworkFailure } from '../api/failure';
import type { FileIndex } from '../api/files';
import type { TextKey } from '../translations/messages';
import { useText } from './text';

/** What a page can explain better than the server. */
interface PageTexts {
  /** For a 404 or a 409: someone else was faster. */
  conflict?: TextKey;
  forbidden?: TextKey;
}

/** Why a request failed, in the server's words where neither the panel nor the page has better ones. */
export function useFailureText({ conflict, forbidden }: PageTexts = {}): (
  failure: unknown,
) => string {
  const text = useText();
  return useCallback(
    (failure) => {
      if (!(failure instanceof ApiFailure)) return text('common.failure.title');
      const isConflict = failure.status === 404 || failure.status === 409;
      if (conflict !== undefined && isConflict) return text(conflict);
      if (forbidden !== undefined && isForbidden(failure)) return text(forbidden);
      if (isNetworkFailure(failure)) return text('common.failure.network');
      if (failure.code === 'unknown-answer') return text('common.failure.answer');
      return failure.message;
    },
    [text, conflict, forbidden],
  );
}

/** The same for actions on duplicates. */
export function useDuplicatesFailureText(): (failure: unknown) => string {
  return useFailureText({
    conflict: 'duplicates.failure.conflict',
    forbidden: 'duplicates.failure.forbidden',
  });
}

/** Why an image could not be indexed and what helps, for those who manage the index. */
export const failureReasons = {
  unreadable: 'index.reason.unreadable',
  'too-large': 'index.reason.tooLarge',
  unsupported: 'index.reason.unsupported',
  'decoder-missing': 'index.reason.decoderMissing',
  missing: 'index.reason.missing',
  rejected: 'index.reason.rejected',
  unreachable: 'index.reason.unreachable',
  'storage-refused': 'index.reason.storageRefused',
  provider: 'index.reason.provider',
  store: 'index.reason.store',
  unexpected: 'index.reason.unexpected',
} as const satisfies Record<FailureReason, TextKey>;

/** The same for editors, who can only replace the image and see no technical details. */
const editorReasons = {
  ...failureReasons,
  'decoder-missing': 'index.reason.unsupported',
  unreachable: 'index.reason.askAdministrator',
  'storage-refused': 'index.reason.askAdministrator',
  provider: 'index.reason.askAdministrator',
  store: 'index.reason.askAdministrator',
  unexpected: 'index.reason.askAdministrator',
} as const satisfies Record<FailureReason, TextKey>;

export interface FileIndexText {
  tone: 'good' | 'waiting' | 'bad' | 'neutral';
  title: TextKey;
  /** What is wrong, and what helps. */
  reason: TextKey | null;
  /** What those who manage the index can do; null when nothing would help. */
  action: TextKey | null;
}

/**
 * Whether searches find a file, and if not, why.
 *
 * @param canManage false for editors
 */
export function fileIndexText(index: FileIndex, canManage: boolean): FileIndexText {
  const { isSearchable, isPaused, state } = index;
  const reasons = canManage ? failureReasons : editorReasons;
  const reason = index.reason && reasons[index.reason];
  switch (state) {
    case 'indexed':
      return { tone: 'good', title: 'widgets.index.indexed', reason: null, action: null };
    case 'not-an-image':
      return { tone: 'neutral', title: 'widgets.index.noImage', reason: null, action: null };
    case 'in-trash':
      return {
        tone: 'neutral',
        title: 'widgets.index.inTrash',
        reason: 'widgets.index.inTrashReason',
        action: null,
      };
    case 'not-queued':
      return {
        tone: 'waiting',
        title: 'widgets.index.notQueued',
        reason: null,
        action: 'widgets.index.indexNow',
      };
    case 'failed':
    case 'skipped':
      return {
        tone: 'bad',
        title: isSearchable ? 'widgets.index.outdated' : 'widgets.index.notSearchable',
        reason,
        action: 'common.failure.tryAgain',
      };
    case 'waiting':
      return {
        tone: 'waiting',
        title: waitingTitle(index),
        // A pause has nothing to do with this image.
        reason: isPaused ? null : reason,
        action: isPaused || reason === null ? null : 'common.failure.tryAgain',
      };
  }
}

function waitingTitle({ isSearchable, isPaused, reason }: FileIndex): TextKey {
  if (isPaused) return 'widgets.index.paused';
  if (isSearchable) return 'widgets.index.reindexing';
  return reason === null ? 'widgets.index.waiting' : 'widgets.index.retrying';
}
