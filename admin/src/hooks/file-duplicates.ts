import { useQuery } from '@tanstack/react-query';
import { fileDuplicatesResponseSchema } from '../../../plugin/src/contracts/duplicates';
import { pluginApi } from '../api/client';

/** The open duplicates of one file; none while they are not known, or cannot be. */
export function useFileDuplicates(fileId: number) {
  const { data } = useQuery({
    queryKey: ['file-duplicates', fileId],
    queryFn: ({ signal }) =>
      pluginApi.get(`/files/${String(fileId)}/duplicates`, {
        schema: fileDuplicatesResponseSchema,
        signal,
      }),
  });
  return data?.data ?? [];
}
