import { Button, Flex, VisuallyHidden } from '@strapi/design-system';
import { EmptyPictures } from '@strapi/icons/symbols';
import { StateMessage } from '../../components/state-message';
import { useText } from '../../hooks/text';
import { FailureState } from './failure-state';
import { FoundPictures } from './found-pictures';
import { addExample, emptyQuery, isQuestion } from './query';
import { Results, Searching } from './results';
import type { SearchPageState } from './search-page-state';
import { StartState } from './start-state';

/** What stands under the search field: where to begin, what was found, or why nothing was. */
export function SearchContents({ state }: { state: SearchPageState }) {
  const { query, answer, change } = state;
  if (state.isPictureGone) {
    return (
      <PictureGone
        onRemove={() => {
          change({ ...query, picture: null });
        }}
      />
    );
  }
  if (!isQuestion(query)) {
    return (
      <StartState
        onWords={(text) => {
          change({ ...query, text });
        }}
        onAsset={state.searchLike}
      />
    );
  }
  if (answer.isError && !answer.isFetchNextPageError) {
    return (
      <FailureState
        failure={answer.error}
        fileId={onlyFileOf(query)}
        onRetry={() => void answer.refetch()}
        onStartAnew={() => {
          change(emptyQuery);
        }}
      />
    );
  }
  return answer.data ? <Found state={state} /> : <Searching />;
}

function Found({ state }: { state: SearchPageState }) {
  const { query, answer, hits, change } = state;
  const [first] = answer.data?.pages ?? [];
  if (!first) return null;
  return (
    <>
      <Results
        meta={first.meta}
        hits={hits}
        words={query.text}
        isFiltered={Object.values(query.filters).some((value) => value !== undefined)}
        isStale={answer.isPlaceholderData}
        onRemoveFilters={() => {
          state.setFilters({});
        }}
      >
        <FoundPictures
          hits={hits}
          hasMore={answer.hasNextPage}
          // After a failure nobody asks again by scrolling.
          isLoadingMore={answer.isFetchingNextPage || answer.isFetchNextPageError}
          onMore={answer.fetchNextPage}
          onExample={(side, id) => {
            change(addExample(query, side, id));
          }}
          onFindSimilar={(id) => {
            change({ ...emptyQuery, filters: query.filters, like: [id] });
          }}
        />
        {answer.isFetchNextPageError && <MoreAgain onRetry={answer.fetchNextPage} />}
      </Results>
      <Announcement
        count={hits.length}
        hasMore={answer.hasNextPage}
        isStale={answer.isPlaceholderData}
      />
    </>
  );
}

function onlyFileOf({ like, unlike }: SearchPageState['query']): number | null {
  const [first, ...others] = [...like, ...unlike];
  return first === undefined || others.length > 0 ? null : first;
}

/** Stands where further results would be. */
function MoreAgain({ onRetry }: { onRetry: () => Promise<unknown> }) {
  const text = useText();
  return (
    <Flex justifyContent="center" padding={6}>
      <Button variant="secondary" onClick={() => void onRetry()}>
        {text('common.failure.tryAgain')}
      </Button>
    </Flex>
  );
}

/** Tells those who do not see the results that they have changed. */
function Announcement(props: { count: number; hasMore: boolean; isStale: boolean }) {
  const { count, hasMore, isStale } = props;
  const text = useText();
  const key = hasMore ? 'search.results.announcedMore' : 'search.results.announced';
  return <VisuallyHidden role="status">{isStale ? '' : text(key, { count })}</VisuallyHidden>;
}

function PictureGone({ onRemove }: { onRemove: () => void }) {
  const text = useText();
  return (
    <StateMessage
      icon={<EmptyPictures width="16rem" />}
      title={text('search.picture.gone.title')}
      text={text('search.picture.gone.text')}
      action={
        <Button variant="secondary" onClick={onRemove}>
          {text('search.picture.gone.remove')}
        </Button>
      }
    />
  );
}
