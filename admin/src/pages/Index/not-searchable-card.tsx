import {
  Box,
  Button,
  EmptyStateLayout,
  Flex,
  IconButton,
  Link,
  Loader,
  Tabs,
  Typography,
} from '@strapi/design-system';
import { ArrowClockwise, File } from '@strapi/icons';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import {
  fetchNotSearchable,
  type NotSearchableImage,
  type NotSearchableState,
  type Status,
} from '../../api/management';
import { FileImage } from '../../components/file-image';
import { mediaLibraryAddress } from '../../components/navigation';
import { failureReasons, useFailureText } from '../../hooks/failure-text';
import { notSearchableKey, useIndexActions } from '../../hooks/management';
import { useText } from '../../hooks/text';
import { Card, Note } from './card';

const states = ['failed', 'skipped'] as const;

/** Images that searches can't find, why, and what to do about it. Nothing when there are none. */
export function NotSearchableCard({ status: { counts } }: { status: Status }) {
  const text = useText();
  const { reindex } = useIndexActions();
  const { failed, skipped } = counts;
  const [wanted, setWanted] = useState<NotSearchableState | null>(null);
  if (failed + skipped === 0) return null;
  const shown = wanted ?? (failed > 0 ? 'failed' : 'skipped');
  const shownCount = shown === 'failed' ? failed : skipped;
  return (
    <Card
      title={text('index.notSearchable.title')}
      actions={
        shownCount > 0 && (
          <Button
            variant="secondary"
            startIcon={<ArrowClockwise />}
            loading={reindex.isPending}
            onClick={() => {
              reindex.mutate(shown);
            }}
          >
            {text('index.notSearchable.retryAll', { count: shownCount })}
          </Button>
        )
      }
    >
      <Tabs.Root
        variant="simple"
        value={shown}
        onValueChange={(state) => {
          setWanted(states.find((known) => known === state) ?? null);
        }}
      >
        <Tabs.List aria-label={text('index.notSearchable.title')}>
          <Tabs.Trigger value="failed">
            {text('index.notSearchable.failed', { count: failed })}
          </Tabs.Trigger>
          <Tabs.Trigger value="skipped">
            {text('index.notSearchable.skipped', { count: skipped })}
          </Tabs.Trigger>
        </Tabs.List>
        {states.map((state) => (
          <Tabs.Content key={state} value={state}>
            <ImageList state={state} count={state === 'failed' ? failed : skipped} />
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Card>
  );
}

function ImageList({ state, count }: { state: NotSearchableState; count: number }) {
  const text = useText();
  const failureText = useFailureText();
  const list = useNotSearchableImages(state, count);
  const { images } = list;
  if (list.error && images === null) {
    return (
      <Box paddingTop={4}>
        <Note
          tone="danger"
          action={
            <Button variant="tertiary" onClick={list.retry}>
              {text('common.failure.tryAgain')}
            </Button>
          }
        >
          {failureText(list.error)}
        </Note>
      </Box>
    );
  }
  if (images === null) {
    return (
      <Flex justifyContent="center" padding={6}>
        <Loader>{text('common.loading')}</Loader>
      </Flex>
    );
  }
  if (images.length === 0) {
    return <EmptyStateLayout shadow="none" content={text(`index.notSearchable.none.${state}`)} />;
  }
  return (
    <>
      <Box tag="ul" paddingTop={2}>
        {images.map((image) => (
          <ImageRow key={image.entry.fileId} image={image} />
        ))}
      </Box>
      {list.hasMore && (
        <Flex justifyContent="center" paddingTop={4}>
          <Button variant="tertiary" loading={list.isLoadingMore} onClick={list.loadMore}>
            {text('index.notSearchable.more')}
          </Button>
        </Flex>
      )}
    </>
  );
}

const THUMBNAIL_PX = 56;

/** One image: why it isn't searchable, and a button to retry. */
function ImageRow({ image: { entry, asset } }: { image: NotSearchableImage }) {
  const text = useText();
  const { retry } = useIndexActions();
  const name = asset?.name ?? text('index.notSearchable.fileNumber', { id: entry.fileId });
  return (
    <Row tag="li" gap={4} paddingTop={3} paddingBottom={3} alignItems="center">
      <Thumbnail background="neutral100" hasRadius>
        {asset ? (
          <FileImage asset={asset} width={THUMBNAIL_PX} alternativeText="" />
        ) : (
          <File aria-hidden fill="neutral500" />
        )}
      </Thumbnail>
      <Box flex="1" minWidth={0}>
        {asset ? (
          <Link tag={NavLink} to={mediaLibraryAddress(entry.fileId)}>
            {name}
          </Link>
        ) : (
          <Typography fontWeight="semiBold">{name}</Typography>
        )}
        <Typography tag="p" textColor="neutral800">
          {text(failureReasons[entry.error?.reason ?? 'unexpected'])}
        </Typography>
        {entry.error && (
          <Typography
            tag="p"
            variant="pi"
            textColor="neutral600"
            style={{ overflowWrap: 'anywhere' }}
          >
            {entry.error.message}
          </Typography>
        )}
      </Box>
      <IconButton
        label={text('index.notSearchable.retry', { name })}
        disabled={retry.isPending}
        onClick={() => {
          retry.mutate([entry.fileId]);
        }}
      >
        <ArrowClockwise />
      </IconButton>
    </Row>
  );
}

/** Failed or skipped images, page by page. The list reloads whenever `count`, how many there are now, changes. */
function useNotSearchableImages(state: NotSearchableState, count: number) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery(
    {
      queryKey: [...notSearchableKey, state, count],
      initialPageParam: null as number | null,
      queryFn: ({ pageParam, signal }) => fetchNotSearchable({ state, cursor: pageParam }, signal),
      getNextPageParam: ({ nextCursor }) => nextCursor,
      enabled: count > 0,
      placeholderData: keepPreviousData,
    },
  );
  return {
    /** Null until they have loaded. */
    images: count === 0 ? [] : (data?.pages.flatMap((page) => page.images) ?? null),
    error,
    retry: () => void refetch(),
    hasMore: hasNextPage,
    isLoadingMore: isFetchingNextPage,
    loadMore: () => void fetchNextPage(),
  };
}

const Row = styled(Flex)`
  border-bottom: 1px solid ${({ theme }) => theme.colors.neutral150};
  &:last-child {
    border-bottom: 0;
    padding-bottom: 0;
  }
`;

const Thumbnail = styled(Flex)`
  flex: 0 0 auto;
  justify-content: center;
  width: ${THUMBNAIL_PX}px;
  height: ${THUMBNAIL_PX}px;
  overflow: hidden;
`;
