import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Asset } from '../../api/asset';
import type { Group, GroupFilter, Pair } from '../../api/duplicates';
import type { useDuplicateGroups } from '../../hooks/duplicate-groups';
import { prefetchMergePlan, useMergePlan } from '../../hooks/merge-plan';
import type { Shortcuts } from '../../hooks/shortcuts';
import { useText } from '../../hooks/text';
import type { Decisions } from './decisions';
import { isForbidden } from './failure-text';
import { useMayChangeFiles } from './merge-permission';
import { sharpUrl } from './picture';
import { otherOfPair, shownPair, type Side } from './shown-pair';

interface ReviewState {
  filter: GroupFilter;
  /** The pair that the page was opened with: its files are shown when their group is. */
  firstPairId: number | null;
  list: ReturnType<typeof useDuplicateGroups>;
  current: number;
  group: Group;
  decisions: Decisions;
  onSelect: (group: Group) => void;
}

/** Groups before the end of what is loaded at which more of them are asked for. */
const AHEAD = 5;

/** What can be done with the group that is shown, by buttons and by keys alike. */
export function useReviewActions(state: ReviewState) {
  const { filter, firstPairId, list, current, group, decisions, onSelect } = state;
  const text = useText();
  const isOpen = filter.status === 'open';
  const [otherId, setOtherId] = useState<number | null>(null);
  const [keepId, setKeepId] = useState<number | null>(null);
  const mayChangeFiles = useMayChangeFiles();
  const planned = isOpen && mayChangeFiles ? idsOf(group) : [];
  const plan = useMergePlan({ fileIds: planned, keepId: null });
  useAhead(state, isOpen && mayChangeFiles);
  const shown = shownPair(group, otherId ?? otherOfPair(group, firstPairId));
  const isRefused = !mayChangeFiles || isForbidden(plan.error);
  const obstacle = isRefused ? text('duplicates.failure.forbidden') : null;

  const go = (step: 1 | -1): void => {
    const next = list.groups[current + step];
    if (next) onSelect(next);
  };
  /** The list closes the gap that a decided group leaves; of the last one the one before is shown. */
  const goOn = (decided: readonly Pair[]): void => {
    if (decided.length < group.pairs.length) return;
    const next = list.groups[current + 1] ?? list.groups[current - 1];
    if (next) onSelect(next);
  };
  const keep = (side: Side): void => {
    if (shown && isOpen && !isRefused) setKeepId(shown[side].id);
  };
  const ignore = (pairs: readonly Pair[]): void => {
    goOn(pairs);
    decisions.ignore(group, pairs);
  };
  const confirmMerge = (request: { fileIds: readonly number[]; keepId: number }): void => {
    setKeepId(null);
    if (request.fileIds.length === group.files.length) goOn(group.pairs);
    decisions.merge(group, request);
  };
  const shortcuts: Shortcuts = {
    j: () => {
      go(1);
    },
    k: () => {
      go(-1);
    },
    ...(isOpen && {
      '1': () => {
        keep('left');
      },
      '2': () => {
        keep('right');
      },
      i: () => {
        ignore(group.pairs);
      },
    }),
  };
  return {
    shown,
    report: plan.data ?? null,
    obstacle,
    keepId,
    shortcuts,
    go,
    onCompare: (file: Asset) => {
      setOtherId(file.id);
    },
    onKeep: keep,
    onIgnore: ignore,
    onReopen: () => {
      goOn(group.pairs);
      decisions.reopen(group, group.pairs);
    },
    cancelMerge: () => {
      setKeepId(null);
    },
    confirmMerge,
  };
}

/** Has the next group's pictures and its plan at hand before it is shown, and the next page before the last group. */
function useAhead({ list, current }: ReviewState, mayPlan: boolean): void {
  const client = useQueryClient();
  const next = list.groups[current + 1];
  const isNearEnd = current + AHEAD >= list.groups.length;
  useEffect(() => {
    if (!next) return;
    for (const file of next.files.slice(0, 2)) new Image().src = sharpUrl(file);
    if (mayPlan) prefetchMergePlan(client, { fileIds: idsOf(next), keepId: null });
  }, [client, next, mayPlan]);
  const { loadMore } = list;
  useEffect(() => {
    if (isNearEnd) loadMore();
  });
}

function idsOf({ files }: Group): number[] {
  return files.map(({ id }) => id);
}
