import { useQuery } from '@tanstack/react-query';
import { fetchFileIndex, type FileIndex } from '../api/file-index';

const WAITING_POLL_MS = 3_000;
/** Somebody must mend something first. */
const PAUSED_POLL_MS = 15_000;

export const fileIndexKey = ['file-index'] as const;

/** Whether searches find a file, kept up to date while it waits; null while that is not known, or cannot be. */
export function useFileIndex(fileId: number): FileIndex | null {
  const { data } = useQuery({
    queryKey: [...fileIndexKey, fileId],
    queryFn: ({ signal }) => fetchFileIndex(fileId, signal),
    refetchInterval: ({ state }) => pollOf(state.data),
  });
  return data ?? null;
}

function pollOf(index: FileIndex | undefined): number | false {
  if (index?.state !== 'waiting') return false;
  return index.isPaused ? PAUSED_POLL_MS : WAITING_POLL_MS;
}
