import { useNotification } from '@strapi/strapi/admin';
import {
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
} from '@tanstack/react-query';
import { managementApi, type Status } from '../api/management';
import { useFailureText } from './failure-text';
import { fileIndexKey } from './files';
import { useText } from './text';

const statusKey = ['index-status'] as const;
export const notSearchableKey = ['not-searchable-images'] as const;

const CHANGING_POLL_MS = 2_000;
const IDLE_POLL_MS = 20_000;

/**
 * The state of the index, polled often while it changes, rarely otherwise, and never in a hidden tab. The last state stays
 * when Strapi can't be reached.
 */
export function useIndexStatus() {
  const { data, dataUpdatedAt, failureReason, isError, refetch } = useQuery({
    queryKey: statusKey,
    queryFn: ({ signal }) => managementApi.status(signal),
    refetchInterval: ({ state }) =>
      state.data === undefined || isChanging(state.data) ? CHANGING_POLL_MS : IDLE_POLL_MS,
    refetchOnWindowFocus: true,
  });
  return {
    /** Null until it has loaded. */
    status: data ?? null,
    readAt: dataUpdatedAt,
    /** Why the last request failed; null when it did not. */
    failure: failureReason,
    isLost: isError && data === undefined,
    refetch: () => void refetch(),
  };
}

/** Whether the figures are about to change. */
function isChanging(status: Status): boolean {
  return status.isReconciling || status.preparation !== null || waitingOf(status) > 0;
}

/** Images due or under way in all spaces in use; only those under way while indexing is stopped. */
function waitingOf({ spaces, counts, hold }: Status): number {
  const inUse = spaces.filter(({ role }) => role !== 'standby').map((space) => space.counts);
  return [counts, ...inUse].reduce(
    (sum, { pending, indexing }) => sum + indexing + (hold === null ? pending : 0),
    0,
  );
}

/** Every action on the index; each reports its outcome as a notification. */
export function useIndexActions() {
  const text = useText();
  return {
    hold: useStatusAction(() => managementApi.hold(), text('index.notice.stopped')),
    resume: useStatusAction(() => managementApi.resume(), text('index.notice.resumed')),
    activate: useStatusAction(managementApi.activate, text('index.notice.activated')),
    drop: useStatusAction(managementApi.drop, text('index.notice.dropped')),
    reindex: useReindexing(managementApi.reindex),
    retry: useReindexing(managementApi.retry),
  };
}

function useStatusAction<Input>(
  act: (input: Input) => Promise<Status>,
  notice: string,
): UseMutationResult<Status, Error, Input> {
  const client = useQueryClient();
  const { toggleNotification } = useNotification();
  const failureText = useFailureText();
  return useMutation({
    mutationFn: act,
    onSuccess: (status) => {
      client.setQueryData(statusKey, status);
      toggleNotification({ type: 'success', message: notice });
    },
    onError: (failure) => {
      toggleNotification({ type: 'danger', message: failureText(failure) });
      void client.invalidateQueries({ queryKey: statusKey });
    },
  });
}

function useReindexing<Input>(
  act: (input: Input) => Promise<number>,
): UseMutationResult<number, Error, Input> {
  const client = useQueryClient();
  const text = useText();
  const { toggleNotification } = useNotification();
  const failureText = useFailureText();
  return useMutation({
    mutationFn: act,
    onSuccess: (count) => {
      toggleNotification({ type: 'success', message: text('index.notice.marked', { count }) });
    },
    onError: (failure) => {
      toggleNotification({ type: 'danger', message: failureText(failure) });
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: statusKey }),
        client.invalidateQueries({ queryKey: notSearchableKey }),
        client.invalidateQueries({ queryKey: fileIndexKey }),
      ]),
  });
}
