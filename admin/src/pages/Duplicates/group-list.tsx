import { Box, Flex, Loader, Typography } from '@strapi/design-system';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { styled } from 'styled-components';
import type { Group } from '../../api/duplicates';
import { useText } from '../../hooks/text';
import { GroupRow } from './group-row';

interface GroupListProps {
  groups: readonly Group[];
  /** Index of the group that is shown beside the list. */
  current: number;
  hasMore: boolean;
  isLoadingMore: boolean;
  onSelect: (group: Group) => void;
  onEndSeen: () => void;
}

/** Groups one below the other; more of them are loaded before their end is reached. */
export function GroupList(props: GroupListProps) {
  const { groups, current, hasMore, isLoadingMore, onSelect, onEndSeen } = props;
  const text = useText();
  const list = useRef<HTMLUListElement>(null);
  const end = useEndSeen(onEndSeen);
  const go = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const group = step && groups[current + step];
    if (!group) return;
    event.preventDefault();
    onSelect(group);
    list.current?.querySelectorAll('button')[current + step]?.focus();
  };
  return (
    <Column tag="nav" aria-label={text('duplicates.list')} hasRadius shadow="tableShadow">
      <Box tag="ul" ref={list} onKeyDown={go}>
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
      {!hasMore && groups.length > 10 && (
        <Box padding={3}>
          <Typography variant="pi" textColor="neutral600">
            {text('duplicates.list.end')}
          </Typography>
        </Box>
      )}
    </Column>
  );
}

/** A ref for what stands at the end of the list; tells when it comes near. */
function useEndSeen(onSeen: () => void) {
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

const Column = styled(Box)`
  background: ${({ theme }) => theme.colors.neutral0};
  overflow-y: auto;
  max-height: 28rem;
  ${({ theme }) => theme.breakpoints.large} {
    position: sticky;
    /* Below the title, which stays when the page is scrolled. */
    top: 7.2rem;
    max-height: calc(100vh - 8.8rem);
  }
`;
