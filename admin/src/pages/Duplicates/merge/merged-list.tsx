import { Badge, Box, Button, EmptyStateLayout, Flex, Typography } from '@strapi/design-system';
import { File } from '@strapi/icons';
import { EmptyDocuments } from '@strapi/icons/symbols';
import { Page } from '@strapi/strapi/admin';
import { useRef, useState } from 'react';
import { styled } from 'styled-components';
import type { MergeRecord } from '../../../../../plugin/src/contracts/merging';
import { absoluteUrl } from '../../../api/asset';
import { Confirmation } from '../../../components/confirmation';
import { useFormats } from '../../../hooks/formats';
import { isInTrash, useMergeActions, useMerges } from '../../../hooks/merges';
import { useText, type Text } from '../../../hooks/text';
import { ListFailure } from '../inbox/group-list';

/** Recent merges: what became of their copies, Undo, and deleting the copies before their time. */
export function MergedList() {
  const text = useText();
  const { error, hasMore, isLoading, isLoadingMore, loadMore, merges, reload } = useMerges();
  if (isLoading) return <Page.Loading />;
  if (error && merges.length === 0) return <ListFailure failure={error} onRetry={reload} />;
  if (merges.length === 0) {
    return (
      <EmptyStateLayout
        icon={<EmptyDocuments width="16rem" />}
        content={text('duplicates.empty.merged')}
      />
    );
  }
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <List aria-label={text('duplicates.merges.label')}>
        {merges.map((merge) => (
          <Row key={merge.id}>
            <Merge merge={merge} />
          </Row>
        ))}
      </List>
      {hasMore && (
        <Flex justifyContent="center">
          <Button variant="tertiary" loading={isLoadingMore} onClick={loadMore}>
            {text('duplicates.merges.more')}
          </Button>
        </Flex>
      )}
    </Flex>
  );
}

function Merge({ merge }: { merge: MergeRecord }) {
  const text = useText();
  const formats = useFormats();
  const actions = useMergeActions();
  const title = useRef<HTMLHeadingElement>(null);
  const [isAsking, setAsking] = useState(false);
  const { canUndo, copies, emptiesAt, kept, mergedAt, mergedBy, movedUses, undo } = merge;
  const trashed = copies.filter(isInTrash);
  const isBusy = actions.undo.isPending || actions.empty.isPending;
  // The button that had the focus may be gone.
  const onSettled = (): void => title.current?.focus();
  const line = [
    text('duplicates.merges.when', {
      when: formats.dateTime(mergedAt),
      name: mergedBy?.name ?? text('duplicates.reviewed.unknown'),
    }),
    text('duplicates.merges.uses', { count: movedUses }),
  ];
  return (
    <Flex gap={4} wrap="wrap" alignItems="flex-start">
      <Thumbnail url={kept.url} size="6.4rem" />
      <Box flex="1 1 28rem" minWidth={0}>
        <Flex gap={2} wrap="wrap">
          <Heading ref={title} tabIndex={-1}>
            {text('duplicates.merged.into', { name: kept.name, count: copies.length })}
          </Heading>
          <Badge variant={undo === null && emptiesAt !== null ? 'primary' : 'neutral'}>
            {stateText(merge, text)}
          </Badge>
        </Flex>
        <Typography tag="p" variant="pi" textColor="neutral600">
          {line.join(' · ')}
        </Typography>
        {kept.isDeleted && (
          <Typography tag="p" variant="pi" textColor="neutral600">
            {text('duplicates.merged.deleted')}
          </Typography>
        )}
        <Copies>
          {copies.map((copy) => (
            <li key={copy.fileId}>
              <Thumbnail url={copy.url} size="3.2rem" />
              <Box minWidth={0}>
                <Typography tag="p" variant="pi" textColor="neutral800">
                  {copy.name || `#${String(copy.fileId)}`}
                </Typography>
                <Typography tag="p" variant="pi" textColor="neutral600">
                  {text(`duplicates.copy.${copy.state}`)}
                  {copy.reason !== null && ` · ${text(`duplicates.copyReason.${copy.reason}`)}`}
                </Typography>
              </Box>
            </li>
          ))}
        </Copies>
        {undo !== null && undo.unrestoredCount > 0 && <Unrestored undo={undo} />}
      </Box>
      <Flex gap={2} flex="0 0 auto">
        {canUndo && (
          <Button
            variant="secondary"
            size="S"
            aria-label={text('duplicates.merges.undo', { name: kept.name })}
            loading={actions.undo.isPending}
            disabled={isBusy}
            onClick={() => {
              actions.undo.mutate(merge, { onSettled });
            }}
          >
            {text('duplicates.undo')}
          </Button>
        )}
        {emptiesAt !== null && (
          <Button
            variant="danger-light"
            size="S"
            loading={actions.empty.isPending}
            disabled={isBusy}
            onClick={() => {
              setAsking(true);
            }}
          >
            {text('duplicates.merges.empty')}
          </Button>
        )}
      </Flex>
      {isAsking && (
        <Confirmation
          title={text('duplicates.merges.emptyTitle')}
          question={text('duplicates.merges.emptyQuestion', {
            count: trashed.length,
            names: formats.list(
              trashed.map(({ fileId, name }) =>
                name ? text('duplicates.merges.quoted', { name }) : `#${String(fileId)}`,
              ),
            ),
          })}
          action={text('duplicates.merges.empty')}
          isDangerous
          onConfirm={() => {
            actions.empty.mutate(merge, { onSettled });
          }}
          onClose={() => {
            setAsking(false);
          }}
        />
      )}
    </Flex>
  );
}

const DAY_MS = 86_400_000;

function stateText({ copies, emptiesAt, undo }: MergeRecord, text: Text): string {
  if (undo !== null) return text('duplicates.merges.undone');
  if (emptiesAt !== null) {
    const days = Math.max(0, Math.ceil((Date.parse(emptiesAt) - Date.now()) / DAY_MS));
    return text('duplicates.merges.daysLeft', { days });
  }
  const isDeleted = copies.every(({ state }) => state === 'deleted');
  return text(isDeleted ? 'duplicates.copy.deleted' : 'duplicates.copy.left');
}

function Unrestored({ undo }: { undo: NonNullable<MergeRecord['undo']> }) {
  const text = useText();
  const { unrestored, unrestoredCount } = undo;
  return (
    <Details>
      <summary>{text('duplicates.merges.unrestored', { count: unrestoredCount })}</summary>
      <ul>
        {unrestored.map(({ use, reason }, index) => (
          <li key={index}>
            {`${use.contentType.displayName}: ${use.title ?? `#${String(use.entryId)}`} · `}
            {[use.path, use.locale, text(`duplicates.unrestored.${reason}`)]
              .filter(Boolean)
              .join(' · ')}
          </li>
        ))}
      </ul>
    </Details>
  );
}

function Thumbnail({ url, size }: { url: string | null; size: string }) {
  const [brokenUrl, setBrokenUrl] = useState<string | null>(null);
  // Documents and videos of the trash have no preview.
  if (url === null || url === brokenUrl) {
    return (
      <Frame $size={size}>
        <File aria-hidden />
      </Frame>
    );
  }
  return (
    <Frame $size={size}>
      <img
        src={absoluteUrl(url)}
        alt=""
        loading="lazy"
        onError={() => {
          setBrokenUrl(url);
        }}
      />
    </Frame>
  );
}

const List = styled.ul`
  padding: 0 ${({ theme }) => theme.spaces[5]};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
  box-shadow: ${({ theme }) => theme.shadows.tableShadow};
`;

const Row = styled.li`
  padding: ${({ theme }) => theme.spaces[5]} 0;
  & + & {
    border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
  }
`;

const Heading = styled.h2`
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[2]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
  overflow-wrap: anywhere;
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;

const Frame = styled.div<{ $size: string }>`
  display: grid;
  place-items: center;
  flex: 0 0 auto;
  width: ${({ $size }) => $size};
  height: ${({ $size }) => $size};
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  & > img {
    width: 100%;
    height: 100%;
    object-fit: cover;
  }
`;

const Copies = styled.ul`
  display: flex;
  flex-wrap: wrap;
  gap: ${({ theme }) => `${theme.spaces[2]} ${theme.spaces[5]}`};
  margin-top: ${({ theme }) => theme.spaces[2]};
  & > li {
    display: flex;
    align-items: center;
    gap: ${({ theme }) => theme.spaces[2]};
    min-width: 0;
    overflow-wrap: anywhere;
  }
`;

const Details = styled.details`
  margin-top: ${({ theme }) => theme.spaces[2]};
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  & > summary {
    cursor: pointer;
    &:focus-visible {
      outline: 2px solid ${({ theme }) => theme.colors.primary600};
    }
  }
  & > ul {
    padding-inline-start: ${({ theme }) => theme.spaces[5]};
    list-style: disc;
  }
`;
