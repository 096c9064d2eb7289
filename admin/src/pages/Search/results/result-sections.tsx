import { Box, Button, Flex, Typography } from '@strapi/design-system';
import { CaretDown, CaretUp } from '@strapi/icons';
import { useId } from 'react';
import { styled } from 'styled-components';
import { useText } from '../../../hooks/text';
import type { SearchState } from '../page-state';
import { ResultGrid, type ResultGridProps } from './result-grid';

type ResultSectionsProps = Omit<
  ResultGridProps,
  'hits' | 'hasMore' | 'isLoadingMore' | 'onMore' | 'label'
> & { state: SearchState; onMore: () => void };

/** The results, and behind a divider those that are less relevant. */
export function ResultSections({ state, onMore, onOpen, ...grid }: ResultSectionsProps) {
  const { relevance, results } = state;
  const { isExpanded, main, toggle, weak } = relevance;
  const text = useText();
  const weakId = useId();
  const loading = {
    // After a failure, scrolling doesn't retry.
    isLoadingMore: results.isFetchingNextPage || results.isFetchNextPageError,
    onMore,
  };
  return (
    <Box>
      <ResultGrid
        {...grid}
        {...loading}
        onOpen={onOpen}
        hits={main}
        hasMore={results.hasNextPage && weak.length === 0}
      />
      {weak.length > 0 && (
        <>
          <Divider gap={4}>
            <Typography id={`${weakId}-title`} tag="h2" variant="sigma" textColor="neutral600">
              {text('search.results.lessRelevant')}
            </Typography>
            <Line />
            <Button
              variant="ghost"
              size="S"
              endIcon={isExpanded ? <CaretUp /> : <CaretDown />}
              aria-expanded={isExpanded}
              aria-controls={weakId}
              onClick={toggle}
            >
              {text(
                isExpanded
                  ? 'search.results.lessRelevant.hide'
                  : 'search.results.lessRelevant.show',
              )}
            </Button>
          </Divider>
          <Box id={weakId}>
            {isExpanded && (
              <ResultGrid
                {...grid}
                {...loading}
                label={text('search.results.lessRelevant')}
                onOpen={(index) => {
                  onOpen(main.length + index);
                }}
                hits={weak}
                hasMore={results.hasNextPage}
              />
            )}
          </Box>
        </>
      )}
    </Box>
  );
}

const Divider = styled(Flex)`
  padding: ${({ theme }) => `${theme.spaces[6]} 0 ${theme.spaces[4]}`};
`;

const Line = styled.div`
  flex: 1;
  height: 1px;
  background: ${({ theme }) => theme.colors.neutral150};
`;
