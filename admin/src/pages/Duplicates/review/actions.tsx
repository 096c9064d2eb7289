import { Button, Flex, IconButton, Typography } from '@strapi/design-system';
import { Cross } from '@strapi/icons';
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { styled } from 'styled-components';
import type { MergeReport } from '../../../../../plugin/src/contracts/merging';
import {
  fetchCounts,
  performMerge,
  setPairStatus,
  type Group,
  type GroupFilter,
  type Pair,
  type PairStatus,
} from '../../../api/duplicates';
import {
  groupKeys,
  mapCounts,
  mergePlanKeys,
  withGroup,
  withMovedCounts,
  withoutFiles,
  withoutPairs,
  type GroupList,
} from '../../../hooks/duplicates';
import { useDuplicatesFailureText } from '../../../hooks/failure-text';
import { useMergeActions } from '../../../hooks/merges';
import { useText, type Text } from '../../../hooks/text';
import { KeyHint } from './shortcuts';

/** The outcome of the last action. */
export type Notice =
  | { kind: 'ignored' | 'reopened'; group: Group }
  | { kind: 'merging'; keepName: string }
  | { kind: 'merged'; report: MergeReport }
  | { kind: 'failed'; failure: unknown };

interface Undoable {
  group: Group;
  pairs: readonly Pair[];
  filter: GroupFilter;
  /** Resolves to whether the server accepted it. */
  sent: Promise<boolean>;
}

/**
 * Ignores, reopens and merges groups. The list changes at once, while the request is under way; a failed request undoes the
 * change and reloads the list.
 */
export function useGroupActions(filter: GroupFilter) {
  const client = useQueryClient();
  const undoable = useRef<Undoable[]>([]);
  const { undo: undoing } = useMergeActions();
  const [notice, setNotice] = useState<Notice | null>(null);
  const fail = (failure: unknown): void => {
    setNotice({ kind: 'failed', failure });
    void client.invalidateQueries({ queryKey: groupKeys.all });
    void client.invalidateQueries({ queryKey: mergePlanKeys.all });
  };

  function ignore(group: Group, pairs: readonly Pair[]): void {
    const sent = sendStatus(client, { filter, group, pairs, status: 'ignored' }).catch(
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
    sendStatus(client, { filter, group, pairs, status: 'open' }).catch(fail);
  }

  /** Undoes the last action: a merge, or reopens the group that was ignored last, and returns it. */
  function undo(): Group | null {
    if (notice?.kind === 'merged') {
      if (notice.report.mergeId !== null) undoing.mutate({ id: notice.report.mergeId });
      setNotice(null);
      return null;
    }
    const last = undoable.current.pop();
    if (!last) return null;
    setNotice({ kind: 'reopened', group: last.group });
    sendUndo(client, last).catch(fail);
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

export type GroupActions = ReturnType<typeof useGroupActions>;

/** Long enough to read and reach; the shortcut undoes after that, too. */
const SHOWN_FOR_MS = 10_000;

interface NoticeBarProps {
  notice: Notice;
  /** The position in the list, announced with the notice. */
  place: string | null;
  onUndo: () => void;
  onDismiss: () => void;
}

/** The outcome of the last action, with Undo. Hides by itself unless hovered, or when something went wrong. */
export function NoticeBar({ notice, place, onUndo, onDismiss }: NoticeBarProps) {
  const text = useText();
  const failureText = useDuplicatesFailureText();
  const [isHovered, setHovered] = useState(false);
  const stays = isHovered || hasProblem(notice) || notice.kind === 'merging';
  useEffect(() => {
    if (stays) return;
    const timer = window.setTimeout(onDismiss, SHOWN_FOR_MS);
    return () => {
      window.clearTimeout(timer);
    };
  }, [notice, stays, onDismiss]);
  return (
    <Bar
      data-trouble={hasProblem(notice) || undefined}
      onPointerEnter={() => {
        setHovered(true);
      }}
      onPointerLeave={() => {
        setHovered(false);
      }}
    >
      <Lines lines={noticeLines(notice, text, failureText)} place={place} />
      {canUndo(notice) && (
        <Button size="S" variant="secondary" onClick={onUndo}>
          {text('duplicates.undo')}
          <KeyHint>U</KeyHint>
        </Button>
      )}
      <IconButton size="S" variant="ghost" label={text('duplicates.dismiss')} onClick={onDismiss}>
        <Cross />
      </IconButton>
    </Bar>
  );
}

/** A live region must be in the page before its content for screen readers to announce it. */
export function NoticeRegion({ children }: { children: ReactNode }) {
  return <Region role="status">{children}</Region>;
}

function Lines({ lines, place }: { lines: readonly string[]; place: string | null }) {
  return (
    <Flex direction="column" alignItems="flex-start" flex="1" minWidth={0}>
      {lines.map((line) => (
        <Typography key={line} textColor="neutral800">
          {line}
        </Typography>
      ))}
      {place && (
        <Typography variant="pi" textColor="neutral600">
          {place}
        </Typography>
      )}
    </Flex>
  );
}

function noticeLines(
  notice: Notice,
  text: Text,
  failureText: (failure: unknown) => string,
): string[] {
  if (notice.kind === 'failed') return [failureText(notice.failure)];
  if (notice.kind === 'merging')
    return [text('duplicates.notice.merging', { name: notice.keepName })];
  if (notice.kind !== 'merged') {
    const name = notice.group.files[0]?.name ?? '';
    return [text(`duplicates.notice.${notice.kind}`, { name })];
  }
  const { files, keepId, mergeId } = notice.report;
  const removed = files.filter(({ outcome }) => outcome === 'removed' || outcome === 'trashed');
  const moved = removed.reduce((sum, { useCount }) => sum + useCount, 0);
  const name = files.find(({ id }) => id === keepId)?.name ?? '';
  const left = files.filter(({ outcome }) => outcome === 'left');
  return [
    text(`duplicates.notice.${mergeId === null ? 'merged' : 'mergedToTrash'}`, {
      name,
      removed: removed.length,
      uses: moved,
    }),
    ...left.map((file) =>
      text('duplicates.warning.file-left', {
        copy: file.name,
        reason: file.obstacle ? text(`duplicates.copyReason.${file.obstacle.code}`) : '',
      }),
    ),
  ];
}

function canUndo(notice: Notice): boolean {
  return notice.kind === 'ignored' || (notice.kind === 'merged' && notice.report.mergeId !== null);
}

function hasProblem(notice: Notice): boolean {
  if (notice.kind === 'failed') return true;
  return notice.kind === 'merged' && notice.report.files.some(({ outcome }) => outcome === 'left');
}

async function sendStatus(
  client: QueryClient,
  change: {
    filter: GroupFilter;
    group: Group;
    pairs: readonly Pair[];
    status: 'open' | 'ignored';
  },
): Promise<boolean> {
  const { filter, group, pairs, status } = change;
  const counted = { from: filter.status, to: status };
  await edit(client, filter, (list) => withoutPairs(list, group, pairs), counted);
  try {
    await Promise.all(pairs.map(({ id }) => setPairStatus(id, status)));
    await refreshCounts(client, filter);
    return true;
  } catch (error) {
    await edit(client, filter, (list) => withGroup(list, group), counted);
    throw error;
  }
}

async function sendUndo(client: QueryClient, { group, pairs, filter, sent }: Undoable) {
  const counted = { from: 'open', to: 'ignored' } as const;
  await edit(client, filter, (list) => withGroup(list, group), counted);
  // The server must receive the two changes in order.
  if (!(await sent)) return;
  await Promise.all(pairs.map(({ id }) => setPairStatus(id, 'open')));
  await refreshCounts(client, filter);
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
  const counted = { from: 'open', to: 'merged' } as const;
  await edit(client, filter, (list) => withoutFiles(list, copyIds), counted);
  try {
    const report = await performMerge({ fileIds, keepId });
    const isAllGone = report.files.every(({ outcome }) => outcome !== 'left');
    if (isAllGone) await refreshCounts(client, filter);
    else void client.invalidateQueries({ queryKey: groupKeys.all });
    return report;
  } catch (error) {
    await edit(client, filter, (list) => touched.reduce(withGroup, list), counted);
    throw error;
  }
}

/** Counts again after a change, also the groups that the list hasn't loaded; keeps the old counts while the server doesn't answer. */
async function refreshCounts(client: QueryClient, filter: GroupFilter): Promise<void> {
  const counts = await fetchCounts().catch(() => null);
  if (counts === null) return;
  client.setQueryData<GroupList>(
    groupKeys.list(filter),
    (list) => list && mapCounts(list, () => counts),
  );
}

/** Cancels a load under way: it would bring back what was just removed. */
async function edit(
  client: QueryClient,
  filter: GroupFilter,
  change: (list: GroupList) => GroupList,
  counted: { from: PairStatus; to: PairStatus },
): Promise<void> {
  const queryKey = groupKeys.list(filter);
  await client.cancelQueries({ queryKey });
  client.setQueryData<GroupList>(
    queryKey,
    (list) => list && withMovedCounts(change(list), { ...counted, before: list }),
  );
}

const Region = styled.div`
  position: fixed;
  z-index: 3;
  inset-inline: ${({ theme }) => theme.spaces[4]};
  bottom: ${({ theme }) => theme.spaces[5]};
  display: flex;
  justify-content: center;
  pointer-events: none;
`;

const Bar = styled.div`
  display: flex;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[4]};
  max-width: 64rem;
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[4]}`};
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
  pointer-events: auto;
  &[data-trouble] {
    border-color: ${({ theme }) => theme.colors.warning600};
  }
`;
