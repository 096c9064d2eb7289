import type { Status } from '../../api/management';
import type { TextKey } from '../../translations/messages';

export interface IndexState {
  label: TextKey;
  variant: 'success' | 'primary' | 'warning' | 'danger' | 'neutral';
}

/** What the index is at, in one word; the most important thing comes first. */
export function indexStateOf(status: Status): IndexState {
  const { hold, preparation, spaces, worker } = status;
  if (hold) return { label: 'index.state.stopped', variant: 'warning' };
  if (worker.state === 'paused') return { label: 'index.state.paused', variant: 'danger' };
  if (preparation !== null) return { label: 'index.state.preparing', variant: 'primary' };
  if (remainingOf(status) > 0 || spaces.some(({ role }) => role === 'filling')) {
    return { label: 'index.state.indexing', variant: 'primary' };
  }
  if (status.isReconciling) return { label: 'index.state.comparing', variant: 'primary' };
  if (!status.provider.ok) return { label: 'index.state.paused', variant: 'danger' };
  if (worker.state === 'disabled') return { label: 'index.state.disabled', variant: 'neutral' };
  return { label: 'index.state.current', variant: 'success' };
}

/** Pictures that are still to be indexed for searches. */
export function remainingOf({ counts }: Pick<Status, 'counts'>): number {
  return counts.pending + counts.indexing;
}
