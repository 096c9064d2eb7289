import { useQuery } from '@tanstack/react-query';
import {
  fetchFileDuplicates,
  fetchFileIndex,
  type FileDuplicate,
  type FileIndex,
} from '../api/files';

const WAITING_POLL_MS = 3_000;

/** Someone has to fix something first. */
const PAUSED_POLL_MS = 15_000;

export const fileIndexKey = ['file-index'] as const;

/** Whether searches find a file, polled while it waits; null while unknown. */
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

/** The open duplicates of a file, newest first; none while unknown. */
export function useFileDuplicates(fileId: number): FileDuplicate[] {
  const { data } = useQuery({
    queryKey: ['file-duplicates', fileId],
    queryFn: ({ signal }) => fetchFileDuplicates(fileId, signal),
  });
  return data ?? [];
}
