import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isShownByBrowsers, type Asset } from '../../../api/asset';
import type { Group, GroupFilter, Pair } from '../../../api/duplicates';
import { isForbidden } from '../../../api/failure';
import {
  prefetchMergePlan,
  useMergePlan,
  type useDuplicateGroups,
} from '../../../hooks/duplicates';
import { useCanMergeFiles } from '../../../hooks/permissions';
import { useText } from '../../../hooks/text';
import { otherOfPair, sharpUrl, shownPair, type Side } from '../comparison/pair';
import type { GroupActions } from './actions';
import type { Shortcuts } from './shortcuts';

interface ReviewState {
  filter: GroupFilter;
  /** The pair that the page's link names: shown first within its group. */
  firstPairId: number | null;
  list: ReturnType<typeof useDuplicateGroups>;
  current: number;
  group: Group;
  actions: GroupActions;
  onSelect: (group: Group) => void;
}

/** Loads the next page this many groups before the end of the list. */
const LOAD_AHEAD = 5;

/** Everything the buttons and shortcuts do with the selected group. */
export function useReviewControls(state: ReviewState) {
  const { filter, firstPairId, list, current, group, actions, onSelect } = state;
  const text = useText();
  const isOpen = filter.status === 'open';
  const [otherId, setOtherId] = useState<number | null>(null);
  const [keepId, setKeepId] = useState<number | null>(null);
  const canMerge = useCanMergeFiles();
  const planned = isOpen && canMerge ? idsOf(group) : [];
  const plan = useMergePlan({ fileIds: planned, keepId: null });
  usePrefetch(state, isOpen && canMerge);
  const shown = shownPair(group, otherId ?? otherOfPair(group, firstPairId));
  const isRefused = !canMerge || isForbidden(plan.error);
  const obstacle = isRefused ? text('duplicates.failure.forbidden') : null;

  const go = (step: 1 | -1): void => {
    const next = list.groups[current + step];
    if (next) onSelect(next);
  };
  /** Selects the next group, or the previous one after the last, once all pairs are reviewed. */
  const leave = (reviewed: readonly Pair[]): void => {
    if (reviewed.length < group.pairs.length) return;
    const next = list.groups[current + 1] ?? list.groups[current - 1];
    if (next) onSelect(next);
  };
  const keep = (side: Side): void => {
    if (shown && isOpen && !isRefused) setKeepId(shown[side].id);
  };
  const ignore = (pairs: readonly Pair[]): void => {
    leave(pairs);
    actions.ignore(group, pairs);
  };
  const confirmMerge = (request: { fileIds: readonly number[]; keepId: number }): void => {
    setKeepId(null);
    if (request.fileIds.length === group.files.length) leave(group.pairs);
    actions.merge(group, request);
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
      leave(group.pairs);
      actions.reopen(group, group.pairs);
    },
    cancelMerge: () => {
      setKeepId(null);
    },
    confirmMerge,
  };
}

/** Prefetches the next group's images and merge plan, and the next page of the list. */
function usePrefetch({ list, current }: ReviewState, canMerge: boolean): void {
  const client = useQueryClient();
  const next = list.groups[current + 1];
  const isNearEnd = current + LOAD_AHEAD >= list.groups.length;
  useEffect(() => {
    if (!next) return;
    for (const file of next.files.slice(0, 2).filter(isShownByBrowsers)) {
      new Image().src = sharpUrl(file);
    }
    if (canMerge) prefetchMergePlan(client, { fileIds: idsOf(next), keepId: null });
  }, [client, next, canMerge]);
  const { loadMore } = list;
  useEffect(() => {
    if (isNearEnd) loadMore();
  });
}

function idsOf({ files }: Group): number[] {
  return files.map(({ id }) => id);
}
