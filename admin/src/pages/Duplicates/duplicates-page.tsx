import { Box, Flex } from '@strapi/design-system';
import { Layouts, Page } from '@strapi/strapi/admin';
import type { Group } from '../../api/duplicates';
import { groupWith, useDuplicateGroups } from '../../hooks/duplicate-groups';
import { useShortcuts, useShortcutSetting } from '../../hooks/shortcuts';
import { useText } from '../../hooks/text';
import { useDecisions } from './decisions';
import { EmptyInbox } from './empty-inbox';
import { Inbox } from './inbox';
import { useInboxAddress } from './inbox-address';
import { InboxFilters } from './inbox-filters';
import { ListFailure } from './list-failure';
import { NoticeBar, NoticeRegion } from './notice-bar';
import { ScanBar, ScanButton } from './scan-bar';
import { useScan, useSeenFindings } from './scan';

export default function DuplicatesPage() {
  const text = useText();
  const { filter, pairId, firstPairId, setFilter, select } = useInboxAddress();
  const isOpen = filter.status === 'open';
  const list = useDuplicateGroups(filter, firstPairId);
  const { scan, control, failure, line } = useScan();
  const seen = useSeenFindings(scan, list);
  const decisions = useDecisions(filter);
  const [hasShortcuts, setShortcuts] = useShortcutSetting();
  const group = groupWith(list.groups, pairId ?? 0) ?? list.groups[0];
  const current = group ? list.groups.indexOf(group) : 0;
  const onSelect = ({ id }: Group): void => {
    select(id);
  };
  const undo = (): void => {
    const back = decisions.undo();
    if (back && isOpen) onSelect(back);
  };
  useShortcuts({ u: undo }, hasShortcuts);
  const place =
    isOpen && group && text('duplicates.place', { index: current + 1, count: list.groups.length });
  return (
    <Page.Main>
      <Page.Title>{text('duplicates.title')}</Page.Title>
      <Layouts.Header
        title={text('duplicates.title')}
        subtitle={line}
        primaryAction={scan && control && <ScanButton scan={scan} control={control} />}
      />
      <Layouts.Content>
        <Flex direction="column" alignItems="stretch" gap={4}>
          {scan && <ScanBar {...{ scan, failure, ...seen }} />}
          <InboxFilters filter={filter} counts={list.counts} onChange={setFilter} />
          {list.error && <ListFailure failure={list.error} onRetry={list.reload} />}
          {list.isLoading && <Page.Loading />}
          {group && (
            <Inbox
              {...{ filter, firstPairId, list, current, group, decisions, onSelect }}
              {...{ hasShortcuts, setShortcuts }}
            />
          )}
          {!group && list.isLoaded && !list.hasMore && (
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
        {decisions.notice && (
          <NoticeBar
            notice={decisions.notice}
            place={place || null}
            onUndo={undo}
            onDismiss={decisions.dismiss}
          />
        )}
      </NoticeRegion>
      {/* The last row must not end below a notice. */}
      <Box paddingBottom={10} />
    </Page.Main>
  );
}
