import type { FileIndex } from '../api/file-index';
import { editorReasonOf, reasonOf } from '../hooks/failure-reason';
import type { TextKey } from '../translations/messages';

export interface FileIndexWords {
  tone: 'good' | 'waiting' | 'bad' | 'neutral';
  title: TextKey;
  /** What is the matter, and what helps. */
  reason: TextKey | null;
  /** What an operator can have done; null for nothing that would help. */
  action: TextKey | null;
}

/** Whether a file can be found and why not, in words for those who look after the index or for editors. */
export function wordsOf(index: FileIndex, isOperator: boolean): FileIndexWords {
  const { isFindable, isPaused, reason: code, state } = index;
  const reason = code === null ? null : isOperator ? reasonOf(code) : editorReasonOf(code);
  switch (state) {
    case 'indexed':
      return { tone: 'good', title: 'widgets.index.indexed', reason: null, action: null };
    case 'not-a-picture':
      return { tone: 'neutral', title: 'widgets.index.noPicture', reason: null, action: null };
    case 'unseen':
      return {
        tone: 'waiting',
        title: 'widgets.index.unseen',
        reason: null,
        action: 'widgets.index.indexNow',
      };
    case 'failed':
    case 'skipped':
      return {
        tone: 'bad',
        title: isFindable ? 'widgets.index.outdated' : 'widgets.index.givenUp',
        reason,
        action: 'common.failure.tryAgain',
      };
    case 'waiting':
      return {
        tone: 'waiting',
        title: waitingTitle(index),
        // A pause is not about this picture.
        reason: isPaused ? null : reason,
        action: isPaused || code === null ? null : 'common.failure.tryAgain',
      };
  }
}

function waitingTitle({ isFindable, isPaused, reason }: FileIndex): TextKey {
  if (isPaused) return 'widgets.index.paused';
  if (isFindable) return 'widgets.index.again';
  return reason === null ? 'widgets.index.waiting' : 'widgets.index.retrying';
}
