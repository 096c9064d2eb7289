import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import type { MergeReport } from '../../../../plugin/src/contracts/merging';
import {
  decide,
  performMerge,
  type Group,
  type GroupFilter,
  type Pair,
} from '../../api/duplicates';
import {
  groupKeys,
  withGroup,
  withMovedCounts,
  withoutFiles,
  withoutPairs,
  type GroupList,
} from '../../hooks/duplicate-groups';
import { mergePlanKeys } from '../../hooks/merge-plan';

/** What became of the last decision. */
export type Notice =
  | { kind: 'ignored' | 'reopened'; group: Group }
  | { kind: 'merging'; keepName: string }
  | { kind: 'merged'; report: MergeReport }
  | { kind: 'failed'; failure: unknown };

interface Undoable {
  group: Group;
  pairs: readonly Pair[];
  filter: GroupFilter;
  /** Resolves to whether the decision was taken. */
  sent: Promise<boolean>;
}

/**
 * Decisions show at once and are sent meanwhile. One that is refused is taken back in the list; when somebody else was
 * faster the list is asked for anew.
 */
export function useDecisions(filter: GroupFilter) {
  const client = useQueryClient();
  const undoable = useRef<Undoable[]>([]);
  const [notice, setNotice] = useState<Notice | null>(null);
  const fail = (failure: unknown): void => {
    setNotice({ kind: 'failed', failure });
    void client.invalidateQueries({ queryKey: groupKeys.all });
    void client.invalidateQueries({ queryKey: mergePlanKeys.all });
  };

  function ignore(group: Group, pairs: readonly Pair[]): void {
    const sent = sendDecision(client, { filter, group, pairs, status: 'ignored' }).catch(
      (error: unknown) => {
        undoable.current = undoable.current.filter((entry) => entry.sent !== sent);
        fail(error);
        return false;
      },
    );
    undoable.current.push({ group, pairs, filter, sent });
    setNotice({ kind: 'ignored', group });
  }

  function reopen(group: Group, pairs: readonly Pair[]): void {
    setNotice({ kind: 'reopened', group });
    sendDecision(client, { filter, group, pairs, status: 'open' }).catch(fail);
  }

  /** Takes the last ignored one back; answers it, or null when there is none. */
  function undo(): Group | null {
    const last = undoable.current.pop();
    if (!last) return null;
    setNotice({ kind: 'reopened', group: last.group });
    takeBack(client, last).catch(fail);
    return last.group;
  }

  function merge(group: Group, request: { fileIds: readonly number[]; keepId: number }): void {
    const keepName = group.files.find(({ id }) => id === request.keepId)?.name ?? '';
    setNotice({ kind: 'merging', keepName });
    sendMerge(client, filter, request).then((report) => {
      setNotice({ kind: 'merged', report });
    }, fail);
  }

  const dismiss = (): void => {
    setNotice(null);
  };
  return { notice, dismiss, ignore, reopen, undo, merge };
}

export type Decisions = ReturnType<typeof useDecisions>;

async function sendDecision(
  client: QueryClient,
  decision: {
    filter: GroupFilter;
    group: Group;
    pairs: readonly Pair[];
    status: 'open' | 'ignored';
  },
): Promise<boolean> {
  const { filter, group, pairs, status } = decision;
  const counted = { from: filter.status, to: status, pairs: pairs.length };
  await edit(client, filter, (list) => withMovedCounts(withoutPairs(list, group, pairs), counted));
  try {
    await Promise.all(pairs.map(({ id }) => decide(id, status)));
    return true;
  } catch (error) {
    await edit(client, filter, (list) =>
      withMovedCounts(withGroup(list, group), { ...counted, from: status, to: filter.status }),
    );
    throw error;
  }
}

async function takeBack(client: QueryClient, { group, pairs, filter, sent }: Undoable) {
  await edit(client, filter, (list) =>
    withMovedCounts(withGroup(list, group), { from: 'ignored', to: 'open', pairs: pairs.length }),
  );
  // The server must hear of the two in the order in which they were taken.
  if (await sent) await Promise.all(pairs.map(({ id }) => decide(id, 'open')));
}

async function sendMerge(
  client: QueryClient,
  filter: GroupFilter,
  { fileIds, keepId }: { fileIds: readonly number[]; keepId: number },
): Promise<MergeReport> {
  const copyIds = fileIds.filter((id) => id !== keepId);
  const before = client.getQueryData<GroupList>(groupKeys.list(filter));
  const touched =
    before?.pages
      .flatMap(({ data }) => data)
      .filter(({ files }) => files.some(({ id }) => copyIds.includes(id))) ?? [];
  await edit(client, filter, (list) => {
    const pairs = touched.reduce((sum, group) => sum + goneWith(group, copyIds), 0);
    return withMovedCounts(withoutFiles(list, copyIds), { from: 'open', to: 'merged', pairs });
  });
  try {
    const report = await performMerge({ fileIds, keepId });
    const isAllGone = report.files.every(({ outcome }) => outcome !== 'left');
    if (!isAllGone) void client.invalidateQueries({ queryKey: groupKeys.all });
    return report;
  } catch (error) {
    await edit(client, filter, (list) => touched.reduce(withGroup, list));
    throw error;
  }
}

function goneWith({ pairs }: Group, fileIds: readonly number[]): number {
  return pairs.filter(({ fileA, fileB }) => fileIds.includes(fileA) || fileIds.includes(fileB))
    .length;
}

/** A list that is being loaded would bring back what was taken out of it. */
async function edit(
  client: QueryClient,
  filter: GroupFilter,
  change: (list: GroupList) => GroupList,
): Promise<void> {
  const queryKey = groupKeys.list(filter);
  await client.cancelQueries({ queryKey });
  client.setQueryData<GroupList>(queryKey, (list) => list && change(list));
}
