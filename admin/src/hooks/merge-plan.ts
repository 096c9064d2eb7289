import { useQuery, type QueryClient } from '@tanstack/react-query';
import { planMerge, type MergeRequest } from '../api/duplicates';

const FRESH_FOR_MS = 60_000;

export const mergePlanKeys = {
  all: ['merge-plan'] as const,
  of: ({ fileIds, keepId }: MergeRequest) =>
    [...mergePlanKeys.all, [...fileIds].sort((one, other) => one - other), keepId] as const,
};

function planOptions(request: MergeRequest) {
  return {
    queryKey: mergePlanKeys.of(request),
    queryFn: ({ signal }: { signal: AbortSignal }) => planMerge(request, signal),
    staleTime: FRESH_FOR_MS,
  };
}

/** What a merge of these files would do; nothing is asked for fewer than two. */
export function useMergePlan(request: MergeRequest, { isFresh = false } = {}) {
  return useQuery({
    ...planOptions(request),
    enabled: request.fileIds.length > 1,
    // What is about to be confirmed must be what is there now.
    ...(isFresh && { staleTime: 0 }),
  });
}

export function prefetchMergePlan(client: QueryClient, request: MergeRequest): void {
  if (request.fileIds.length < 2) return;
  // Who comes to need it asks again, and hears then why it failed.
  client.query(planOptions(request)).catch(() => null);
}
