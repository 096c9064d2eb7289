import { Button, Flex, SingleSelect, SingleSelectOption, Typography } from '@strapi/design-system';
import { useCallback, useMemo, useState } from 'react';
import { useText } from '../../../hooks/text';
import type { SearchState } from '../page-state';
import {
  addExample,
  emptyQuery,
  isRanked,
  setFilter,
  sorts,
  type SearchQuery,
  type Sort,
} from '../query';
import { DetailsPanel } from './details-panel';
import { useDetailsInAddress } from './details-in-address';
import { ResultSections } from './result-sections';
import { SelectionBar } from './selection';

/** The images that the page found, with the selection and the details of one of them. */
export function FoundImages({ state }: { state: SearchState }) {
  const { query, results, relevance, change } = state;
  const { hits, hasMore } = relevance;
  const { fetchNextPage } = results;
  const details = useDetailsInAddress();
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  /** Where a range begins. */
  const [anchor, setAnchor] = useState<number | null>(null);
  const openIndex = hits.findIndex(({ file }) => file.id === details.id);
  const selectedAssets = useMemo(
    () => hits.flatMap(({ file }) => (selected.has(file.id) ? [file] : [])),
    [hits, selected],
  );
  const loadMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const ids = hits.map(({ file }) => file.id);
  const clear = () => {
    setSelected(new Set());
  };
  const toggle = (id: number, isRange: boolean) => {
    setAnchor(id);
    setSelected(isRange ? withRange(selected, ids, anchor ?? id, id) : toggled(selected, id));
  };
  const selectAll = () => {
    setSelected(new Set(ids));
  };
  return (
    <>
      <Toolbar
        count={hits.length}
        hasMore={hasMore}
        query={query}
        onSort={(sort) => {
          change({ ...query, sort });
        }}
        isAllSelected={selectedAssets.length === hits.length}
        onSelectAll={selectAll}
        onClear={clear}
      />
      <ResultSections
        state={state}
        selected={selected}
        openId={details.id}
        onMore={loadMore}
        onOpen={(index) => {
          const id = ids[index];
          if (id !== undefined) details.open(id);
        }}
        onExample={(side, id) => {
          change(addExample(query, side, id));
        }}
        onToggle={toggle}
        onSelectAll={selectAll}
      />
      <SelectionBar assets={selectedAssets} isBesideDetails={openIndex >= 0} onClear={clear} />
      {hits[openIndex] && (
        <DetailsPanel
          hit={hits[openIndex]}
          hasPrevious={openIndex > 0}
          hasNext={openIndex < hits.length - 1}
          onStep={(step) => {
            const id = ids[openIndex + step];
            if (id !== undefined) details.step(id);
          }}
          onFindSimilar={(id) => {
            change({ ...emptyQuery, filters: query.filters, like: [id] });
          }}
          onFilterColor={(color) => {
            change({ ...query, filters: setFilter(query.filters, 'color', color) });
          }}
          onFilterTag={(tag) => {
            change({ ...query, filters: setFilter(query.filters, 'tags', tag) });
          }}
          onClose={details.close}
        />
      )}
    </>
  );
}

interface ToolbarProps {
  count: number;
  hasMore: boolean;
  query: SearchQuery;
  onSort: (sort: Sort | null) => void;
  isAllSelected: boolean;
  onSelectAll: () => void;
  onClear: () => void;
}

function Toolbar(props: ToolbarProps) {
  const { count, hasMore, query, onSort, isAllSelected, onSelectAll, onClear } = props;
  const text = useText();
  return (
    <Flex justifyContent="space-between" gap={4} paddingBottom={3} minHeight="4.4rem">
      <Typography textColor="neutral600">
        {text(hasMore ? 'search.results.countMore' : 'search.results.count', { count })}
      </Typography>
      <Flex gap={2}>
        <Button variant="ghost" size="S" onClick={isAllSelected ? onClear : onSelectAll}>
          {text(isAllSelected ? 'search.selection.clear' : 'search.selection.all')}
        </Button>
        <SortSelect query={query} onSort={onSort} />
      </Flex>
    </Flex>
  );
}

/** Lists by filters alone have no best match: the newest image comes first. */
function SortSelect({ query, onSort }: Pick<ToolbarProps, 'query' | 'onSort'>) {
  const text = useText();
  const first = isRanked(query) ? 'relevance' : 'newest';
  const choices = isRanked(query) ? ([first, ...sorts] as const) : sorts;
  return (
    <SingleSelect
      size="S"
      aria-label={text('search.sort')}
      value={query.sort ?? first}
      onChange={(value) => {
        onSort(sorts.find((sort) => sort === value && sort !== first) ?? null);
      }}
    >
      {choices.map((choice) => (
        <SingleSelectOption key={choice} value={choice}>
          {text(`search.sort.${choice}`)}
        </SingleSelectOption>
      ))}
    </SingleSelect>
  );
}

function toggled(ids: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** Adds everything from one image to another, both included. */
function withRange(
  selected: ReadonlySet<number>,
  ids: readonly number[],
  from: number,
  to: number,
): ReadonlySet<number> {
  const [first, last] = [ids.indexOf(from), ids.indexOf(to)].sort((a, b) => a - b);
  if (first === undefined || last === undefined || first < 0) return toggled(selected, to);
  return new Set([...selected, ...ids.slice(first, last + 1)]);
}
