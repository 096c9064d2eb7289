import {
  Box,
  Button,
  Flex,
  Link as TextLink,
  Typography,
  VisuallyHidden,
} from '@strapi/design-system';
import { EmptyPictures } from '@strapi/icons/symbols';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import type { SearchResponse } from '../../../api/search';
import { indexAddress } from '../../../components/navigation';
import { usePanelSettings } from '../../../hooks/panel-settings';
import { useImageSearchPermissions } from '../../../hooks/permissions';
import { useText } from '../../../hooks/text';
import type { SearchState } from '../page-state';
import { isRanked } from '../query';
import { StateMessage } from '../state-message';
import { Skeletons } from './skeletons';

interface ResultsProps {
  state: SearchState;
  /** The images found; skeletons, a notice or a button take their place where there are none. */
  children: ReactNode;
}

/** What a search found, with notices about it. */
export function Results({ state, children }: ResultsProps) {
  const { results, hits, relevance } = state;
  const [first] = results.data?.pages ?? [];
  if (!first) return <Skeletons />;
  /** Whether these are the results of the previous query. */
  const isStale = results.isPlaceholderData;
  return (
    <>
      {hits.length === 0 ? (
        <NothingFound meta={first.meta} state={state} />
      ) : (
        <Flex direction="column" alignItems="stretch" gap={4}>
          {isRanked(state.query) && <Notices meta={first.meta} text={state.query.text} />}
          <Dimmed $isStale={isStale} aria-busy={isStale}>
            {children}
            {results.isFetchNextPageError && <RetryMore onRetry={results.fetchNextPage} />}
          </Dimmed>
        </Flex>
      )}
      <Announcement count={relevance.hits.length} hasMore={relevance.hasMore} isStale={isStale} />
    </>
  );
}

function Notices({ meta, text: searched }: { meta: SearchResponse['meta']; text: string }) {
  const text = useText();
  const { indexed, total } = meta.index;
  return (
    <>
      {indexed < total && <Incomplete indexed={indexed} total={total} />}
      {meta.isDegraded && (
        <Warning>
          <Typography tag="p" fontWeight="semiBold">
            {text('search.notice.wordsOnly.title')}
          </Typography>
          <Typography tag="p" textColor="neutral700">
            {text('search.notice.wordsOnly.text')}
          </Typography>
        </Warning>
      )}
      {meta.noCloseMatch === true && (
        <Warning>
          <Typography tag="p" fontWeight="semiBold">
            {searched
              ? text('search.notice.noCloseMatch.title', { text: searched })
              : text('search.notice.noCloseMatch.image')}
          </Typography>
          <Typography tag="p" textColor="neutral700">
            {text('search.notice.noCloseMatch.text')}
          </Typography>
        </Warning>
      )}
    </>
  );
}

/** Links to the reason: the index page for those with access to it, or the details of each image. */
function Incomplete(coverage: { indexed: number; total: number }) {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const whyMissing = useWhyMissing();
  return (
    <Typography variant="pi" textColor="neutral600">
      {text('search.notice.incomplete', coverage)}{' '}
      {may.manage ? (
        <TextLink tag={Link} to={indexAddress}>
          {text('search.failure.openIndex')}
        </TextLink>
      ) : (
        whyMissing
      )}
    </Typography>
  );
}

function NothingFound({ meta, state }: { meta: SearchResponse['meta']; state: SearchState }) {
  const text = useText();
  const whyMissing = useWhyMissing();
  const { indexed, total } = meta.index;
  const isSearch = isRanked(state.query);
  /** Any other order leaves out what isn't relevant. */
  const isSorted = isSearch && state.query.sort !== null;
  const isFiltered = Object.values(state.query.filters).some((value) => value !== undefined);
  const reason = () => {
    if (isSorted) return text('search.nothing.sorted');
    if (isFiltered) return text('search.nothing.filtered');
    return text(indexed === 0 ? 'search.nothing.unindexed' : 'search.nothing.text');
  };
  return (
    <StateMessage
      icon={<EmptyPictures width="16rem" />}
      title={text('search.nothing.title')}
      text={reason()}
      details={isSearch && indexed < total ? (whyMissing ?? undefined) : undefined}
      action={
        isSorted ? (
          <Button
            variant="secondary"
            onClick={() => {
              state.change({ ...state.query, sort: null });
            }}
          >
            {text('search.nothing.sorted.action')}
          </Button>
        ) : (
          isFiltered && (
            <Button
              variant="secondary"
              onClick={() => {
                state.setFilters({});
              }}
            >
              {text('search.nothing.filtered.action')}
            </Button>
          )
        )
      }
    />
  );
}

/** Where to read why an image is missing; null if the Media Library doesn't show it. */
function useWhyMissing(): string | null {
  const text = useText();
  const settings = usePanelSettings();
  return settings?.mediaLibrary === true ? text('search.notice.whyMissing') : null;
}

/** Takes the place of the results that failed to load. */
function RetryMore({ onRetry }: { onRetry: () => Promise<unknown> }) {
  const text = useText();
  return (
    <Flex justifyContent="center" padding={6}>
      <Button variant="secondary" onClick={() => void onRetry()}>
        {text('common.failure.tryAgain')}
      </Button>
    </Flex>
  );
}

/** Tells screen readers that the results have changed. */
function Announcement(props: { count: number; hasMore: boolean; isStale: boolean }) {
  const { count, hasMore, isStale } = props;
  const text = useText();
  const key = hasMore ? 'search.results.announcedMore' : 'search.results.announced';
  return <VisuallyHidden role="status">{isStale ? '' : text(key, { count })}</VisuallyHidden>;
}

const Warning = styled(Box)`
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[4]}`};
  border: 1px solid ${({ theme }) => theme.colors.warning200};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.warning100};
`;

const Dimmed = styled.div<{ $isStale: boolean }>`
  opacity: ${({ $isStale }) => ($isStale ? 0.55 : 1)};
  @media (prefers-reduced-motion: no-preference) {
    transition: opacity 120ms;
  }
`;
