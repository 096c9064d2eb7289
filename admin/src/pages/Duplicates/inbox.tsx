import { Box } from '@strapi/design-system';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { Group, GroupFilter } from '../../api/duplicates';
import type { useDuplicateGroups } from '../../hooks/duplicate-groups';
import { useShortcuts } from '../../hooks/shortcuts';
import { useText } from '../../hooks/text';
import type { Decisions } from './decisions';
import { GroupList } from './group-list';
import { MergeDialog } from './merge-dialog';
import { Review } from './review';
import { ReviewHeader } from './review-header';
import { ShortcutHelp } from './shortcut-help';
import { useReviewActions } from './review-actions';

interface InboxProps {
  filter: GroupFilter;
  /** The pair that the page was opened with. */
  firstPairId: number | null;
  list: ReturnType<typeof useDuplicateGroups>;
  /** Index of the group that is shown. */
  current: number;
  group: Group;
  decisions: Decisions;
  onSelect: (group: Group) => void;
  hasShortcuts: boolean;
  setShortcuts: (isOn: boolean) => void;
}

/** The groups, and the one among them that is looked at. */
export function Inbox({ hasShortcuts, setShortcuts, ...state }: InboxProps) {
  const { list, current, group, onSelect } = state;
  const text = useText();
  const [isHelping, setHelping] = useState(false);
  const actions = useReviewActions(state);
  useShortcuts(
    {
      ...actions.shortcuts,
      '?': () => {
        setHelping(true);
      },
    },
    hasShortcuts,
  );
  return (
    <Columns>
      <GroupList
        groups={list.groups}
        current={current}
        hasMore={list.hasMore}
        isLoadingMore={list.isLoadingMore}
        onSelect={onSelect}
        onEndSeen={list.loadMore}
      />
      <Pane tag="section" aria-label={text('duplicates.review')} hasRadius shadow="tableShadow">
        <ReviewHeader
          shown={actions.shown}
          place={{ index: current, count: list.groups.length, hasMore: list.hasMore }}
          onGo={actions.go}
          onHelp={() => {
            setHelping(true);
          }}
        />
        <Review group={group} {...actions} />
      </Pane>
      {actions.keepId !== null && (
        <MergeDialog
          group={group}
          keepId={actions.keepId}
          onCancel={actions.cancelMerge}
          onMerge={actions.confirmMerge}
        />
      )}
      {isHelping && (
        <ShortcutHelp
          isOn={hasShortcuts}
          onSwitch={setShortcuts}
          onClose={() => {
            setHelping(false);
          }}
        />
      )}
    </Columns>
  );
}

const Columns = styled.div`
  display: grid;
  gap: ${({ theme }) => theme.spaces[4]};
  align-items: start;
  ${({ theme }) => theme.breakpoints.large} {
    grid-template-columns: 32rem minmax(0, 1fr);
  }
`;

const Pane = styled(Box)`
  display: grid;
  gap: ${({ theme }) => theme.spaces[4]};
  padding: ${({ theme }) => theme.spaces[5]};
  background: ${({ theme }) => theme.colors.neutral0};
`;
