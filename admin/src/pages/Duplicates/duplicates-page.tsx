import { Box, Flex } from '@strapi/design-system';
import { Layouts, Page } from '@strapi/strapi/admin';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { Group, GroupFilter } from '../../api/duplicates';
import { PageHeader } from '../../components/navigation';
import { groupWith, useDuplicateGroups } from '../../hooks/duplicates';
import { useText } from '../../hooks/text';
import { BulkBar, BulkButtons, UndoableBatches, useBulkMerge } from './bulk/bulk-bar';
import { InboxFilters, useInboxAddress } from './inbox/filters';
import { EmptyInbox, GroupList, ListFailure } from './inbox/group-list';
import { ScanBar, ScanButton, useScan, useUnseenFindings } from './inbox/scan';
import { MergeDialog } from './merge/merge-dialog';
import { MergedList } from './merge/merged-list';
import { NoticeBar, NoticeRegion, useGroupActions, type GroupActions } from './review/actions';
import { useReviewControls } from './review/controls';
import { Review, ReviewHeader } from './review/review';
import { ShortcutHelp, useShortcuts, useShortcutSetting } from './review/shortcuts';

export default function DuplicatesPage() {
  const text = useText();
  const { filter, pairId, firstPairId, setFilter, select } = useInboxAddress();
  const isOpen = filter.status === 'open';
  const isMerged = filter.status === 'merged';
  const list = useDuplicateGroups(filter, firstPairId);
  const { scan, control, failure, line } = useScan();
  const unseen = useUnseenFindings(scan, list);
  const actions = useGroupActions(filter);
  const bulk = useBulkMerge();
  const [hasShortcuts, setShortcuts] = useShortcutSetting();
  const group = groupWith(list.groups, pairId ?? 0) ?? list.groups[0];
  const current = group ? list.groups.indexOf(group) : 0;
  const onSelect = ({ id }: Group): void => {
    select(id);
  };
  const undo = (): void => {
    const reopened = actions.undo();
    if (reopened && isOpen) onSelect(reopened);
  };
  useShortcuts({ u: undo }, hasShortcuts);
  const place =
    isOpen && group && text('duplicates.place', { index: current + 1, count: list.groups.length });
  return (
    <Page.Main>
      <Page.Title>{text('duplicates.title')}</Page.Title>
      <PageHeader
        title={text('duplicates.title')}
        subtitle={line}
        actions={scan && control && <ScanButton scan={scan} control={control} />}
      />
      <Layouts.Content>
        <Flex direction="column" alignItems="stretch" gap={4}>
          {scan && <ScanBar scan={scan} failure={failure} {...unseen} />}
          <BulkBar bulk={bulk} />
          <InboxFilters filter={filter} counts={list.counts} onChange={setFilter}>
            {isOpen && group && <BulkButtons bulk={bulk} />}
          </InboxFilters>
          {isMerged && <UndoableBatches bulk={bulk} />}
          {isMerged && <MergedList />}
          {!isMerged && list.error && <ListFailure failure={list.error} onRetry={list.reload} />}
          {!isMerged && list.isLoading && <Page.Loading />}
          {!isMerged && group && (
            <Inbox
              filter={filter}
              firstPairId={firstPairId}
              list={list}
              current={current}
              group={group}
              actions={actions}
              onSelect={onSelect}
              hasShortcuts={hasShortcuts}
              setShortcuts={setShortcuts}
            />
          )}
          {!isMerged && !group && list.isLoaded && !list.hasMore && (
            <EmptyInbox
              filter={filter}
              scan={scan}
              control={control}
              isReviewed={list.counts !== null && list.counts.ignored + list.counts.merged > 0}
              onShowAllKinds={() => {
                setFilter({ kind: null });
              }}
            />
          )}
        </Flex>
      </Layouts.Content>
      <NoticeRegion>
        {actions.notice && (
          <NoticeBar
            notice={actions.notice}
            place={place || null}
            onUndo={undo}
            onDismiss={actions.dismiss}
          />
        )}
      </NoticeRegion>
      {/* Keeps the last row clear of a notice. */}
      <Box paddingBottom={10} />
    </Page.Main>
  );
}

interface InboxProps {
  filter: GroupFilter;
  /** The pair that the page's link names. */
  firstPairId: number | null;
  list: ReturnType<typeof useDuplicateGroups>;
  /** Index of the selected group. */
  current: number;
  group: Group;
  actions: GroupActions;
  onSelect: (group: Group) => void;
  hasShortcuts: boolean;
  setShortcuts: (isOn: boolean) => void;
}

/** The groups, and the selected one beside them. */
function Inbox({ hasShortcuts, setShortcuts, ...state }: InboxProps) {
  const { list, current, group, onSelect } = state;
  const text = useText();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const controls = useReviewControls(state);
  useShortcuts(
    {
      ...controls.shortcuts,
      '?': () => {
        setHelpOpen(true);
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
          shown={controls.shown}
          place={{ index: current, count: list.groups.length, hasMore: list.hasMore }}
          onGo={controls.go}
          onHelp={() => {
            setHelpOpen(true);
          }}
        />
        <Review group={group} {...controls} />
      </Pane>
      {controls.keepId !== null && (
        <MergeDialog
          group={group}
          keepId={controls.keepId}
          onCancel={controls.cancelMerge}
          onMerge={controls.confirmMerge}
        />
      )}
      {isHelpOpen && (
        <ShortcutHelp
          isOn={hasShortcuts}
          onSwitch={setShortcuts}
          onClose={() => {
            setHelpOpen(false);
          }}
        />
      )}
    </Columns>
  );
}

const Columns = styled.div`
  display: grid;
  /* Long labels, as in German, don't make it wider than the window. */
  grid-template-columns: minmax(0, 1fr);
  gap: ${({ theme }) => theme.spaces[4]};
  align-items: start;
  ${({ theme }) => theme.breakpoints.large} {
    grid-template-columns: 32rem minmax(0, 1fr);
  }
`;

const Pane = styled(Box)`
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: ${({ theme }) => theme.spaces[4]};
  padding: ${({ theme }) => theme.spaces[5]};
  background: ${({ theme }) => theme.colors.neutral0};
`;
