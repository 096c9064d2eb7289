import { Box, Flex } from '@strapi/design-system';
import { Layouts, Page } from '@strapi/strapi/admin';
import { useEffect, useRef } from 'react';
import { useText } from '../../hooks/text';
import { FilterMenu, FilterTags } from './field/filters';
import { DropZone, ImageMenu, ImageNotice } from './field/query-image';
import { SearchField } from './field/search-field';
import { useSearchPage, type SearchPageState } from './page-state';
import { canSearch, emptyQuery, type SearchQuery } from './query';
import { Results } from './results/results';
import { scrollToStart } from './results/row-virtualizer';
import { FailureState, ImageUnavailable, StartState } from './states';

export default function SearchPage() {
  const text = useText();
  const state = useSearchPage();
  const { query, image, folders, field } = state;
  const top = useScrollToStart(state.fields);
  const filterProps = { filters: query.filters, folders, onChange: state.setFilters };
  return (
    <Page.Main>
      <Page.Title>{text('search.title')}</Page.Title>
      <Layouts.Header title={text('search.title')} subtitle={text('search.subtitle')} />
      <Layouts.Content>
        {/* Contains visually hidden elements, which would otherwise make the window scroll past its end. */}
        <Box position="relative">
          <Flex ref={top} gap={2} alignItems="flex-start">
            <SearchField
              query={query}
              image={image}
              typed={field.typed}
              onType={field.type}
              onCompose={field.compose}
              onSubmit={field.submit}
              onChange={state.change}
              endAction={<ImageMenu onFile={state.searchWithFile} onAsset={state.searchLike} />}
            />
            <FilterMenu {...filterProps} onOpen={state.loadFolders} />
          </Flex>
          {image && <ImageNotice image={image} hasResults={state.results.isSuccess} />}
          <FilterTags {...filterProps} />
          <Box paddingTop={4}>
            <Contents state={state} />
          </Box>
          <DropZone onFile={state.searchWithFile} />
        </Box>
      </Layouts.Content>
    </Page.Main>
  );
}

/** Scrolls back to the best matches whenever the search changes. */
function useScrollToStart(fields: SearchPageState['fields']) {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (top.current) scrollToStart(top.current);
  }, [fields]);
  return top;
}

function Contents({ state }: { state: SearchPageState }) {
  const { query, results, change } = state;
  if (state.isImageUnavailable) {
    return (
      <ImageUnavailable
        onRemove={() => {
          change({ ...query, image: null });
        }}
      />
    );
  }
  if (!canSearch(query)) {
    return (
      <StartState
        onText={(text) => {
          change({ ...query, text });
        }}
        onAsset={state.searchLike}
      />
    );
  }
  if (results.isError && !results.isFetchNextPageError) {
    return (
      <FailureState
        failure={results.error}
        fileId={onlyFileOf(query)}
        onRetry={() => void results.refetch()}
        onReset={() => {
          change(emptyQuery);
        }}
      />
    );
  }
  return <Results state={state} />;
}

function onlyFileOf({ like, unlike }: SearchQuery): number | null {
  const [first, ...others] = [...like, ...unlike];
  return first === undefined || others.length > 0 ? null : first;
}
