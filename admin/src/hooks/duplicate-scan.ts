import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { scanApi } from '../api/duplicates';

const POLL_EVERY_MS = 2_000;
const scanKey = ['duplicate-scan'] as const;

/** The comparison of the whole library, asked for again and again while it runs. */
export function useDuplicateScan() {
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: scanKey,
    queryFn: ({ signal }) => scanApi.read(signal),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? POLL_EVERY_MS : false),
  });
  const control = useMutation({
    mutationFn: (wish: 'start' | 'stop') => scanApi[wish](),
    onSuccess: (scan) => {
      client.setQueryData(scanKey, scan);
    },
  });
  return {
    /** Null while it is not known, or cannot be. */
    scan: data ?? null,
    start: () => {
      control.mutate('start');
    },
    stop: () => {
      control.mutate('stop');
    },
    isBusy: control.isPending,
    error: control.error,
  };
}
