import { useQuery } from '@tanstack/react-query';
import { fetchFileDuplicates, type FileDuplicate } from '../api/duplicates';

/** The open duplicates of one file, newest first; none while they are not known, or cannot be. */
export function useFileDuplicates(fileId: number): FileDuplicate[] {
  const { data } = useQuery({
    queryKey: ['file-duplicates', fileId],
    queryFn: ({ signal }) => fetchFileDuplicates(fileId, signal),
  });
  return data ?? [];
}
