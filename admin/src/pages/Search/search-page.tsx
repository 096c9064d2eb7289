import { Box, Flex } from '@strapi/design-system';
import { Layouts, Page } from '@strapi/strapi/admin';
import { useEffect, useRef } from 'react';
import { useText } from '../../hooks/text';
import { DropZone } from './drop-zone';
import { FilterMenu, FilterTags } from './filter-menu';
import { PictureMenu } from './picture-menu';
import { PictureNotice } from './picture-notice';
import { scrollToStart } from './row-virtualizer';
import { SearchContents } from './search-contents';
import { SearchField } from './search-field';
import { useSearchPage } from './search-page-state';

export default function SearchPage() {
  const text = useText();
  const state = useSearchPage();
  const { query, picture, folders, field } = state;
  const top = useScrollToStart(state.fields);
  const filterProps = { filters: query.filters, folders, onChange: state.setFilters };
  return (
    <Page.Main>
      <Page.Title>{text('search.title')}</Page.Title>
      <Layouts.Header title={text('search.title')} subtitle={text('search.subtitle')} />
      <Layouts.Content>
        {/* What is hidden from view lies within the page, or the window could be scrolled past its end. */}
        <Box position="relative">
          <Flex ref={top} gap={2} alignItems="flex-start">
            <SearchField
              query={query}
              picture={picture}
              typed={field.typed}
              onType={field.type}
              onCompose={field.compose}
              onSubmit={field.submit}
              onChange={state.change}
              endAction={<PictureMenu onFile={state.takeFile} onAsset={state.searchLike} />}
            />
            <FilterMenu {...filterProps} onOpen={state.loadFolders} />
          </Flex>
          {picture && <PictureNotice picture={picture} isAnswered={state.answer.isSuccess} />}
          <FilterTags {...filterProps} />
          <Box paddingTop={4}>
            <SearchContents state={state} />
          </Box>
          <DropZone onFile={state.takeFile} />
        </Box>
      </Layouts.Content>
    </Page.Main>
  );
}

/** Another question begins at its best matches. */
function useScrollToStart(question: unknown) {
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (top.current) scrollToStart(top.current);
  }, [question]);
  return top;
}
