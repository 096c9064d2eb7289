import { Box, Flex, Typography } from '@strapi/design-system';
import { Layouts, Page, useElementOnScreen } from '@strapi/strapi/admin';
import { useCallback, useEffect, useRef, useState } from 'react';
import { css, styled } from 'styled-components';
import { TABS_HEIGHT, TITLE_SIZE, usePageLinks } from '../../components/navigation';
import { useText } from '../../hooks/text';
import { FilterMenu, FilterTags } from './field/filters';
import { DropZone, ImageMenu, ImageNotice } from './field/query-image';
import { SearchField } from './field/search-field';
import { useQueryInAddress, useSearch, type SearchState } from './page-state';
import { useDetailsInAddress } from './results/details-in-address';
import { DETAILS_WIDTH } from './results/details-panel';
import { FoundImages } from './results/found-images';
import { scrollToStart } from './results/row-virtualizer';
import { SearchContents, StartState } from './states';

export default function SearchPage() {
  const text = useText();
  const state = useSearch(useQueryInAddress());
  const { query, image, folders, field, hits } = state;
  const { id: detailsId } = useDetailsInAddress();
  const top = useScrollToStart(state.fields);
  const hasTabs = usePageLinks().length > 1;
  const [isCompact, setIsCompact] = useState(false);
  const sentinel = useElementOnScreen<HTMLDivElement>(
    useCallback((isVisible: boolean) => {
      setIsCompact(!isVisible);
    }, []),
    SENTINEL_OPTIONS,
  );
  const filterProps = {
    filters: query.filters,
    folders,
    tagNames: state.tagNames,
    onChange: state.setFilters,
  };
  return (
    <Page.Main>
      <Page.Title>{text('search.title')}</Page.Title>
      <Beside $isOpen={hits.some(({ file }) => file.id === detailsId)}>
        <div ref={sentinel} aria-hidden />
        <Header $isCompact={isCompact} $top={hasTabs ? TABS_HEIGHT : '0'}>
          <Title tag="h1" variant="alpha" $isCompact={isCompact}>
            {text('search.title')}
          </Title>
          <Flex ref={top} gap={2} alignItems="flex-start">
            <SearchField
              query={query}
              image={image}
              typed={field.typed}
              takesFocus
              onType={field.type}
              onCompose={field.compose}
              onSubmit={field.submit}
              onChange={state.change}
              endAction={
                <ImageMenu offersLibrary onFile={state.searchWithFile} onAsset={state.searchLike} />
              }
            />
            <FilterMenu
              {...filterProps}
              counts={state.counts}
              years={state.years}
              onShow={state.showFilters}
            />
          </Flex>
          {image && <ImageNotice image={image} hasResults={state.results.isSuccess} />}
          <FilterTags {...filterProps} />
        </Header>
        <Layouts.Content>
          {/* Contains visually hidden elements, which would otherwise make the window scroll past its end. */}
          <Box position="relative">
            <SearchContents
              state={state}
              start={
                <StartState
                  onText={(words) => {
                    state.change({ ...query, text: words });
                  }}
                  onAsset={state.searchLike}
                />
              }
            >
              <FoundImages state={state} />
            </SearchContents>
            <DropZone onFile={state.searchWithFile} />
          </Box>
        </Layouts.Content>
      </Beside>
    </Page.Main>
  );
}

const SENTINEL_OPTIONS = { threshold: 0 };

/** Scrolls back to the best matches whenever the search changes. */
function useScrollToStart(fields: SearchState['fields']) {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (top.current) scrollToStart(top.current);
  }, [fields]);
  return top;
}

/** Makes room for the details of an image. */
const Beside = styled.div<{ $isOpen: boolean }>`
  ${({ theme }) => theme.breakpoints.large} {
    ${({ $isOpen }) => $isOpen && `padding-right: ${DETAILS_WIDTH};`}
  }
`;

/** Stays at the top, lower and with a shadow once results scroll beneath it, like the header of Strapi's Media Library. */
const Header = styled.div<{ $isCompact: boolean; $top: string }>`
  padding: ${({ theme }) => `${theme.spaces[6]} ${theme.spaces[4]} ${theme.spaces[4]}`};
  ${({ theme }) => theme.breakpoints.medium} {
    position: sticky;
    top: ${({ $top }) => $top};
    z-index: 2;
    padding-inline: ${({ theme }) => theme.spaces[6]};
    ${({ $isCompact, theme }) =>
      $isCompact &&
      css`
        padding-block: ${theme.spaces[3]};
        background: ${theme.colors.neutral0};
        box-shadow: ${theme.shadows.tableShadow};
      `}
  }
  ${({ theme }) => theme.breakpoints.large} {
    padding-inline: ${({ theme }) => theme.spaces[10]};
  }
  @media (prefers-reduced-motion: no-preference) {
    transition:
      padding 0.2s ease,
      background 0.2s ease;
  }
`;

const Title = styled<typeof Typography>(Typography)<{ $isCompact: boolean }>`
  display: block;
  margin-bottom: ${({ theme }) => theme.spaces[5]};
  font-size: ${TITLE_SIZE};
  ${({ theme }) => theme.breakpoints.medium} {
    ${({ $isCompact }) => $isCompact && 'display: none;'}
  }
`;
