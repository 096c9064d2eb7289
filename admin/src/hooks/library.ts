import { useQuery, useQueries } from '@tanstack/react-query';
import { fetchAsset, fetchFolders, fetchRecentAssets, type Folder } from '../api/library';
import type { Asset } from '../api/asset';

const FRESH_FOR_MS = 60_000;

export const libraryKeys = {
  asset: (id: number) => ['asset', id] as const,
  folders: ['folders'] as const,
  recent: ['recent-assets'] as const,
};

/** Files by their ids, in that order; null for those that are not known (yet). */
export function useAssets(ids: readonly number[]): readonly (Asset | null)[] {
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: libraryKeys.asset(id),
      queryFn: ({ signal }: { signal: AbortSignal }) => fetchAsset(id, signal),
      staleTime: FRESH_FOR_MS,
    })),
    combine: (results) => results.map(({ data }) => data ?? null),
  });
}

/** All folders of the library; null while they are not known. */
export function useFolders(isWanted: boolean): readonly Folder[] | null {
  const { data, isError } = useQuery({
    queryKey: libraryKeys.folders,
    queryFn: ({ signal }) => fetchFolders(signal),
    enabled: isWanted,
    staleTime: FRESH_FOR_MS,
  });
  return data ?? (isError ? [] : null);
}

/** The newest pictures. */
export function useRecentAssets(count: number) {
  return useQuery({
    queryKey: [...libraryKeys.recent, count],
    queryFn: ({ signal }) => fetchRecentAssets(count, signal),
  });
}
