import { Box, Button, EmptyStateLayout, Flex, Loader, Typography } from '@strapi/design-system';
import { WarningCircle } from '@strapi/icons';
import { EmptyDocuments, EmptyPictures } from '@strapi/icons/symbols';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import type { Group, GroupFilter, Scan } from '../../../api/duplicates';
import { FileImage } from '../../../components/file-image';
import { useDuplicatesFailureText } from '../../../hooks/failure-text';
import { useText } from '../../../hooks/text';
import type { TextKey } from '../../../translations/messages';
import { describePair } from '../comparison/evidence';
import { ScanButton, type ScanControl } from './scan';

interface GroupListProps {
  groups: readonly Group[];
  /** Index of the selected group. */
  current: number;
  hasMore: boolean;
  isLoadingMore: boolean;
  onSelect: (group: Group) => void;
  onEndSeen: () => void;
}

/** All groups; the next page loads before the end of the list scrolls into view. */
export function GroupList(props: GroupListProps) {
  const { groups, current, hasMore, isLoadingMore, onSelect, onEndSeen } = props;
  const text = useText();
  const list = useRef<HTMLUListElement>(null);
  const end = useEndObserver(onEndSeen);
  const moveFocus = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const group = step && groups[current + step];
    if (!group) return;
    event.preventDefault();
    onSelect(group);
    list.current?.querySelectorAll('button')[current + step]?.focus();
  };
  return (
    <Column tag="nav" aria-label={text('duplicates.list')} hasRadius shadow="tableShadow">
      <Box tag="ul" ref={list} onKeyDown={moveFocus}>
        {groups.map((group, index) => (
          <GroupRow
            key={group.id}
            group={group}
            isCurrent={index === current}
            onSelect={() => {
              onSelect(group);
            }}
          />
        ))}
      </Box>
      {hasMore && (
        <Flex ref={end} justifyContent="center" padding={3} minHeight="4.8rem">
          {isLoadingMore && <Loader small>{text('common.loading')}</Loader>}
        </Flex>
      )}
    </Column>
  );
}

interface EmptyInboxProps {
  filter: GroupFilter;
  scan: Scan | null;
  control: ScanControl | undefined;
  /** Whether any duplicates were ignored or merged before. */
  isReviewed: boolean;
  onShowAllKinds: () => void;
}

/** Why the list is empty, and what to do about it. */
export function EmptyInbox(props: EmptyInboxProps) {
  const { filter, scan, control, onShowAllKinds } = props;
  const text = useText();
  const key = emptyText(props);
  const isNever = key === 'duplicates.empty.never';
  return (
    <Box tabIndex={-1} data-empty>
      <EmptyStateLayout
        icon={
          key === 'duplicates.empty.reviewed' ? (
            <EmptyPictures width="16rem" />
          ) : (
            <EmptyDocuments width="16rem" />
          )
        }
        content={text(isNever && !control ? 'duplicates.empty.neverReadOnly' : key)}
        action={
          filter.kind ? (
            <Button variant="secondary" onClick={onShowAllKinds}>
              {text('duplicates.empty.showAllKinds')}
            </Button>
          ) : (
            isNever && scan && control && <ScanButton scan={scan} control={control} />
          )
        }
      />
    </Box>
  );
}

/** Why the list failed to load, with a button to retry. */
export function ListFailure({ failure, onRetry }: { failure: Error; onRetry: () => void }) {
  const text = useText();
  const failureText = useDuplicatesFailureText();
  return (
    <Box role="alert">
      <EmptyStateLayout
        icon={<WarningCircle width="4.8rem" height="4.8rem" fill="danger600" />}
        content={failureText(failure)}
        action={
          <Button variant="secondary" onClick={onRetry}>
            {text('common.failure.tryAgain')}
          </Button>
        }
      />
    </Box>
  );
}

function emptyText({ filter, scan, isReviewed }: EmptyInboxProps): TextKey {
  if (filter.kind) return 'duplicates.empty.kind';
  if (filter.status !== 'open') return `duplicates.empty.${filter.status}`;
  if (scan?.state === 'running') return 'duplicates.empty.running';
  if (scan?.state === 'off') return 'duplicates.empty.off';
  if (isReviewed) return 'duplicates.empty.reviewed';
  return scan?.state === 'never' ? 'duplicates.empty.never' : 'duplicates.empty.none';
}

/** A ref for the element at the end of the list; calls `onSeen` when it comes near the viewport. */
function useEndObserver(onSeen: () => void) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!end.current) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) onSeen();
      },
      { rootMargin: '600px' },
    );
    observer.observe(end.current);
    return () => {
      observer.disconnect();
    };
  });
  return end;
}

/** Thumbnails a row shows; further files are counted. */
const THUMBNAILS = 2;
const THUMBNAIL_PX = 40;

interface GroupRowProps {
  group: Group;
  isCurrent: boolean;
  onSelect: () => void;
}

function GroupRow({ group, isCurrent, onSelect }: GroupRowProps) {
  const text = useText();
  const button = useRef<HTMLButtonElement>(null);
  const { files, pairs } = group;
  const [first, ...others] = files;
  const [pair] = pairs;
  useEffect(() => {
    if (isCurrent) button.current?.scrollIntoView({ block: 'nearest' });
  }, [isCurrent]);
  return (
    <Item>
      <Row
        ref={button}
        type="button"
        aria-current={isCurrent ? 'true' : undefined}
        // A single tab stop; the arrow keys move between rows.
        tabIndex={isCurrent ? 0 : -1}
        onClick={onSelect}
      >
        <Thumbnails files={files} />
        <Flex direction="column" alignItems="stretch" gap={1} minWidth={0} flex="1">
          <Typography ellipsis variant="omega" fontWeight="semiBold" textColor="neutral800">
            {first?.name ?? text('duplicates.fileDeleted')}
          </Typography>
          <Typography ellipsis variant="pi" textColor="neutral600">
            {pair && text(describePair(pair))}
          </Typography>
          {others.length > 1 && (
            <Typography variant="pi" textColor="neutral600">
              {text('duplicates.files', { count: files.length })}
            </Typography>
          )}
        </Flex>
      </Row>
    </Item>
  );
}

function Thumbnails({ files }: { files: readonly Asset[] }) {
  return (
    <Flex gap={1}>
      {files.slice(0, THUMBNAILS).map((file) => (
        <Thumbnail key={file.id}>
          <FileImage asset={file} width={THUMBNAIL_PX} alternativeText="" />
        </Thumbnail>
      ))}
    </Flex>
  );
}

const Column = styled(Box)`
  background: ${({ theme }) => theme.colors.neutral0};
  overflow-y: auto;
  max-height: 28rem;
  ${({ theme }) => theme.breakpoints.large} {
    position: sticky;
    /* Below the page's sticky title. */
    top: 7.2rem;
    max-height: calc(100vh - 8.8rem);
  }
`;

const Item = styled.li`
  content-visibility: auto;
  contain-intrinsic-size: auto 6.4rem;
  & + & {
    border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
  }
`;

const Row = styled.button`
  display: flex;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[3]};
  width: 100%;
  padding: ${({ theme }) => theme.spaces[2]} ${({ theme }) => theme.spaces[3]};
  border: 0;
  border-left: 3px solid transparent;
  background: none;
  text-align: start;
  cursor: pointer;
  &:hover {
    background: ${({ theme }) => theme.colors.neutral100};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: -2px;
  }
  &[aria-current] {
    border-left-color: ${({ theme }) => theme.colors.primary600};
    background: ${({ theme }) => theme.colors.primary100};
  }
`;

const Thumbnail = styled.div`
  flex: none;
  width: 4rem;
  height: 4rem;
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
`;
