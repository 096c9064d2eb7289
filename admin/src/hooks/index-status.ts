import { useQuery } from '@tanstack/react-query';
import { managementApi, type Status } from '../api/management';

const MOVING_POLL_MS = 2_000;
const RESTING_POLL_MS = 20_000;

export const statusKey = ['index-status'] as const;

/**
 * The state of the index: asked for often while something moves, seldom otherwise, never while the browser tab is hidden.
 * What was read last stays when Strapi cannot be reached.
 */
export function useIndexStatus() {
  const { data, dataUpdatedAt, failureReason, isError, refetch } = useQuery({
    queryKey: statusKey,
    queryFn: ({ signal }) => managementApi.status(signal),
    refetchInterval: ({ state }) =>
      state.data === undefined || isMoving(state.data) ? MOVING_POLL_MS : RESTING_POLL_MS,
    refetchOnWindowFocus: true,
  });
  return {
    /** Null until it is known. */
    status: data ?? null,
    readAt: dataUpdatedAt,
    /** Why the last request failed; null when it did not. */
    failure: failureReason,
    isLost: isError && data === undefined,
    readAgain: () => void refetch(),
  };
}

/** Whether figures will change by themselves soon. */
export function isMoving(status: Status): boolean {
  return status.isReconciling || status.preparation !== null || waitingOf(status) > 0;
}

/** Pictures of all spaces in use that are due or under way; of a held index those that are under way alone. */
function waitingOf({ spaces, counts, hold }: Status): number {
  const inUse = spaces.filter(({ role }) => role !== 'kept').map((space) => space.counts);
  return [counts, ...inUse].reduce(
    (sum, { pending, indexing }) => sum + indexing + (hold === null ? pending : 0),
    0,
  );
}
