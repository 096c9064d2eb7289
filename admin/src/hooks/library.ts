import { useQueries, useQuery } from '@tanstack/react-query';
import type { Asset } from '../api/asset';
import { fetchAsset, fetchFolders, fetchRecentAssets, type Folder } from '../api/library';

const FRESH_FOR_MS = 60_000;

export const libraryKeys = {
  asset: (id: number) => ['asset', id] as const,
  folders: ['folders'] as const,
  recent: ['recent-assets'] as const,
};

/** Files in the order of their ids; null for those that haven't loaded or failed to. */
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

/** All folders of the library; null until they have loaded. */
export function useFolders(isWanted: boolean): readonly Folder[] | null {
  const { data, isError } = useQuery({
    queryKey: libraryKeys.folders,
    queryFn: ({ signal }) => fetchFolders(signal),
    enabled: isWanted,
    staleTime: FRESH_FOR_MS,
  });
  return data ?? (isError ? [] : null);
}

/** The latest image uploads. */
export function useRecentAssets(count: number) {
  return useQuery({
    queryKey: [...libraryKeys.recent, count],
    queryFn: ({ signal }) => fetchRecentAssets(count, signal),
  });
}
