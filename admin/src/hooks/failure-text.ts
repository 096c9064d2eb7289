import { useCallback } from 'react';
import type { Problem, SpaceProblem } from '../../../plugin/src/contracts/errors';
import type { FailureReason } from '../../../plugin/src/contracts/file-status';
import { ApiFailure, isForbidden, isNetworkFailure } from '../api/failure';
import type { FileIndex } from '../api/files';
import type { TextKey } from '../translations/messages';
import { useText, type Text } from './text';

/** What a page can explain better than the server. */
interface PageTexts {
  /** For a 404 or a 409: someone else was faster. */
  conflict?: TextKey;
  forbidden?: TextKey;
}

/** Why a request failed. The server's own words follow those of the panel where they say more. */
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
      return explainFailure(failure, text);
    },
    [text, conflict, forbidden],
  );
}

/** What the panel says of a failure that no page explains better. */
export function explainFailure(failure: ApiFailure, text: Text): string {
  const { conflict, message } = failure;
  if (conflict === null) return explainProblem(failure, text);
  const sentence = text(`duplicates.conflict.${conflict}`);
  // The server names the merge to undo first.
  if (conflict !== 'kept-merged') return sentence;
  return `${sentence} ${text('search.failure.details', { message })}`;
}

/** A code's text; true if the server's message says more, such as the name of a setting. */
type CodeText = readonly [key: TextKey, hasDetails: boolean];

const rejected: CodeText = ['common.failure.rejected', true];
const gone: CodeText = ['common.failure.gone', false];
const provider: CodeText = ['common.failure.provider', true];
const store: CodeText = ['common.failure.store', true];
const unexpected: CodeText = ['common.failure.unexpected', true];

const codeTexts: Record<Problem['code'] | 'signed-out', CodeText> = {
  'signed-out': ['common.failure.signedOut', false],
  forbidden: ['common.failure.forbidden', false],
  'invalid-input': rejected,
  'text-unknown': rejected,
  'file-not-found': gone,
  'entry-not-found': gone,
  'pair-not-found': gone,
  'merge-not-found': gone,
  'space-mismatch': rejected,
  'rate-limited': ['common.failure.limited', false],
  conflict: ['common.failure.conflict', true],
  'image-unreadable': ['index.reason.unreadable', false],
  'image-too-large': ['index.reason.tooLarge', true],
  'image-unsupported': ['index.reason.unsupported', true],
  'image-decoder-missing': ['index.reason.decoderMissing', true],
  'image-missing': ['index.reason.missing', false],
  'image-unreachable': ['index.reason.unreachable', true],
  'storage-refused': ['index.reason.storageRefused', true],
  'storage-unavailable': ['index.reason.unreachable', true],
  'url-unreachable': rejected,
  'provider-not-installed': provider,
  'provider-model-missing': provider,
  'provider-model-changed': provider,
  'provider-unavailable': provider,
  'provider-unauthorized': provider,
  'provider-rejected-input': ['index.reason.rejected', true],
  'provider-bad-answer': provider,
  'budget-reached': ['common.failure.budget', true],
  'store-not-installed': store,
  'store-unavailable': store,
  'store-space-clash': store,
  'config-invalid': unexpected,
  'not-ready': ['common.failure.notReady', true],
  aborted: ['common.failure.aborted', false],
  unexpected,
};

/** What the panel says of an error's code; the server's message follows where it says more. */
export function explainProblem(
  { code, message }: { code: string; message: string },
  text: Text,
): string {
  const [key, hasDetails] = Object.hasOwn(codeTexts, code)
    ? codeTexts[code as keyof typeof codeTexts]
    : unexpected;
  return hasDetails ? `${text(key)} ${text('search.failure.details', { message })}` : text(key);
}

/** Why a bulk merge ended early; it lacks the permission of the user who asked for it, not the reader's. */
export function bulkProblemText(problem: Problem, text: Text): string {
  if (problem.code === 'forbidden') return text('duplicates.bulk.askerForbidden');
  return explainProblem(problem, text);
}

const spaceProblemTexts: Partial<Record<SpaceProblem['code'], TextKey>> = {
  'not-configured': 'index.spaces.abandoned',
  'images-failed': 'index.spaces.problem.imagesFailed',
  'vectors-missing': 'index.spaces.problem.vectorsMissing',
  'vectors-not-found': 'index.spaces.problem.vectorsNotFound',
};

/** Why a model's index can't be built or take over. */
export function spaceProblemText(problem: SpaceProblem, text: Text): string {
  const key = spaceProblemTexts[problem.code];
  if (key === undefined) return explainProblem(problem, text);
  if (problem.code === 'not-configured') return text(key);
  return `${text(key)} ${text('search.failure.details', { message: problem.message })}`;
}

/** Why an action on duplicates failed. */
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
      return {
        tone: 'good',
        title: 'widgets.index.indexed',
        reason: index.isPartial ? 'widgets.index.partial' : null,
        action: null,
      };
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
