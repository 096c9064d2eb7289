import { useNotification } from '@strapi/strapi/admin';
import {
  keepPreviousData,
  useInfiniteQuery,
  useQueries,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import { apiLimits } from '../../../../plugin/src/contracts/limits';
import type { FacetName } from '../../../../plugin/src/contracts/search';
import type { Folder } from '../../api/library';
import {
  countFacets,
  findOldest,
  search,
  type SearchFields,
  type SearchHit,
} from '../../api/search';
import { libraryKeys, useFolders } from '../../hooks/library';
import { usePanelSettings } from '../../hooks/panel-settings';
import { useText } from '../../hooks/text';
import {
  addExample,
  emptyQuery,
  imageTypes,
  isRanked,
  listYears,
  readQuery,
  toFacetRequests,
  toSearchFields,
  writeQuery,
  type AllowedTypes,
  type SearchFilters,
  type SearchQuery,
} from './query';
import { useQueryImages, type QueryImage } from './query-images';

const noTags: readonly string[] = [];

export type SearchState = ReturnType<typeof useSearch>;

export const searchKey = ['search'] as const;

/** Where the query of a search is kept. */
export interface QueryPlace {
  query: SearchQuery;
  /** `replace` takes the place of the newest step in the history, if there is one. */
  write: (query: SearchQuery, options?: { replace?: boolean }) => void;
}

/** The page's address. */
export function useQueryInAddress(): QueryPlace {
  const [parameters, setParameters] = useSearchParams();
  // Without what else the address holds: it changes no search.
  const address = writeQuery(readQuery(parameters)).toString();
  const query = useMemo(() => readQuery(new URLSearchParams(address)), [address]);
  const write = useCallback<QueryPlace['write']>(
    (next, options = {}) => {
      setParameters(writeQuery(next), options);
    },
    [setParameters],
  );
  return { query, write };
}

/** A dialog, which has no address of its own. */
export function useQueryInDialog(): QueryPlace {
  const [query, write] = useState(emptyQuery);
  return { query, write };
}

/**
 * The query, its results, and ways to change the query.
 *
 * @param options.allowedTypes which kinds of files are found, as media fields name them; null for all
 */
export function useSearch(
  place: QueryPlace,
  { allowedTypes = null }: { allowedTypes?: AllowedTypes } = {},
) {
  const { query, change, ...field } = useQueryState(place);
  const { find, add } = useQueryImages();
  const image = query.image === null ? null : find(query.image);
  /** The address names an image that this browser tab does not have. */
  const isImageUnavailable = query.image !== null && image === null;
  const [filtering, setFiltering] = useState<'never' | 'before' | 'now'>('never');
  const folders = useFolders(filtering !== 'never' || query.filters.folder !== undefined);
  const tagNames = usePanelSettings()?.tags ?? noTags;
  const [today] = useState(() => new Date());
  const fields = useMemo(
    () => (isImageUnavailable ? null : toSearchFields(query, { folders, today, allowedTypes })),
    [query, folders, today, allowedTypes, isImageUnavailable],
  );
  const results = useResults(fields, image);
  const counts = useFacetCounts(query, {
    isWanted: filtering === 'now' && !isImageUnavailable,
    image,
    context: { folders, today, allowedTypes, tagNames },
  });
  const years = useYears({ isWanted: filtering === 'now', counts, today });
  const hits = useMemo(() => results.data?.pages.flatMap(({ data }) => data) ?? [], [results.data]);
  const relevance = useRelevance(hits, { query, hasMore: results.hasNextPage });
  const checkFile = useFileCheck();

  const searchWithFile = useCallback(
    (file: File) => {
      if (!checkFile(file)) return;
      void add(file).then(({ key }) => {
        change({ ...query, image: key, region: null });
      });
    },
    [add, change, checkFile, query],
  );

  return {
    query,
    field,
    fields,
    image,
    isImageUnavailable,
    folders,
    counts,
    years,
    tagNames,
    results,
    hits,
    relevance,
    change,
    searchWithFile,
    searchLike: (id: number) => {
      change(addExample(query, 'like', id));
    },
    setFilters: (filters: SearchFilters) => {
      change({ ...query, filters });
    },
    showFilters: (isShown: boolean) => {
      setFiltering(isShown ? 'now' : 'before');
    },
  };
}

/** Weak matches apart from the others, unless there are no others. They are hidden until someone wants to see them. */
function useRelevance(
  hits: readonly SearchHit[],
  { hasMore, query }: { query: SearchQuery; hasMore: boolean },
) {
  /** The query whose weak matches are shown. */
  const [expanded, setExpanded] = useState<SearchQuery | null>(null);
  const isExpanded = expanded === query;
  return useMemo(() => {
    const relevant = hits.filter(({ relevance }) => relevance?.band !== 'weak');
    const main = relevant.length === 0 ? hits : relevant;
    const weak =
      relevant.length === 0 ? [] : hits.filter(({ relevance }) => relevance?.band === 'weak');
    return {
      main,
      weak,
      isExpanded,
      /** What is shown, in this order. */
      hits: isExpanded ? [...main, ...weak] : main,
      /** Whether more will be shown, once loaded. */
      hasMore: hasMore && (isExpanded || weak.length === 0),
      toggle: () => {
        setExpanded(isExpanded ? null : query);
      },
    };
  }, [hits, hasMore, isExpanded, query]);
}

const TYPING_PAUSE_MS = 300;

/** The query, and a way to change it. Each change is one step in the browser's history; so is everything typed in one go. */
function useQueryState({ query, write }: QueryPlace): {
  query: SearchQuery;
  change: (next: SearchQuery, options?: Parameters<QueryPlace['write']>[1]) => void;
  /** The text in the field, which the query follows after a pause in typing. */
  typed: string;
  type: (text: string) => void;
  /** Holds the search back while an input method composes a character, as in Japanese. */
  compose: (isComposing: boolean) => void;
  /** Searches without waiting for the pause. */
  submit: () => void;
} {
  const [draft, setDraft] = useState<string | null>(null);
  /** The text that typing last wrote to the query. */
  const [applied, setApplied] = useState<string | null>(null);
  const [shown, setShown] = useState(query.text);
  const [isComposing, setIsComposing] = useState(false);
  /** Whether typing made the newest step of the history. */
  const isTyping = useRef(false);

  // Back, forward and links change only the query: the field follows, but keeps what was typed in the meantime.
  if (query.text !== shown) {
    setShown(query.text);
    if (query.text !== applied) setDraft(null);
  }

  const change = useCallback(
    (next: SearchQuery, options?: Parameters<QueryPlace['write']>[1]) => {
      // Includes text that is still waiting for the pause.
      const text = draft !== null && next.text === query.text ? draft.trim() : next.text;
      isTyping.current = false;
      setDraft(null);
      write({ ...next, text }, options);
    },
    [draft, query.text, write],
  );

  const apply = useCallback(
    (draftText: string) => {
      const text = draftText.trim();
      if (text === query.text) return;
      setApplied(text);
      write({ ...query, text }, { replace: isTyping.current });
      isTyping.current = true;
    },
    [query, write],
  );

  useEffect(() => {
    if (draft === null || isComposing) return undefined;
    const timer = setTimeout(() => {
      apply(draft);
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [draft, isComposing, apply]);

  const submit = useCallback(() => {
    if (draft !== null) apply(draft);
    isTyping.current = false;
  }, [draft, apply]);

  return {
    query,
    change,
    typed: draft ?? query.text,
    type: setDraft,
    compose: setIsComposing,
    submit,
  };
}

/**
 * Best matches first, page by page. A new query cancels the requests of the one before, whose results stay until the
 * new ones arrive.
 *
 * @param fields null while there is nothing to search for
 */
function useResults(fields: SearchFields | null, image: QueryImage | null) {
  const queryClient = useQueryClient();
  const results = useInfiniteQuery({
    queryKey: [...searchKey, fields, image?.key ?? null],
    enabled: fields !== null,
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      search({
        fields: fields ?? {},
        image: image?.blob ?? null,
        pagination: { start: pageParam, limit: apiLimits.maxLimit },
        signal,
      }),
    getNextPageParam: ({ meta: { pagination } }) => {
      const next = pagination.start + pagination.limit;
      return pagination.hasMore && next <= apiLimits.maxStart ? next : undefined;
    },
    placeholderData: keepPreviousData,
  });

  // A result that becomes an example then needs no request of its own.
  useEffect(() => {
    for (const { file } of results.data?.pages.at(-1)?.data ?? []) {
      queryClient.setQueryData(libraryKeys.asset(file.id), file);
    }
  }, [results.data, queryClient]);

  return results;
}

/** How many images each choice of a filter would leave, by the filter's value. */
export type FacetCounts = Partial<
  Record<FacetName, { counts: ReadonlyMap<string | number, number>; isLowerBound: boolean }>
>;

/** Counts follow the query and the other filters. A choice that isn't in `counts` has none. */
function useFacetCounts(
  query: SearchQuery,
  options: {
    isWanted: boolean;
    image: QueryImage | null;
    context: Parameters<typeof toFacetRequests>[1];
  },
): FacetCounts {
  const { context, image, isWanted } = options;
  const requests = isWanted ? toFacetRequests(query, context) : [];
  return useQueries({
    queries: requests.map(({ facets, fields }) => ({
      queryKey: [...searchKey, 'facets', facets, fields, image?.key ?? null],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        countFacets({ facets, fields, image: image?.blob ?? null, signal }),
    })),
    combine: (results) => {
      const counts: FacetCounts = {};
      for (const { data } of results) {
        // While nothing is relevant, all images are shown, and a zero would be wrong.
        if (!data || (data.counted === 0 && isRanked(query))) continue;
        const { color, folder, isLowerBound, kind, tags, type, year } = data;
        if (kind) counts.kind = { counts: toMap(kind), isLowerBound };
        if (type) counts.type = { counts: byType(type), isLowerBound };
        if (folder)
          counts.folder = { counts: withSubfolders(folder, context.folders), isLowerBound };
        if (year) counts.year = { counts: toMap(year), isLowerBound };
        if (color) counts.color = { counts: toMap(color), isLowerBound };
        if (tags) counts.tags = { counts: withZeros(tags, context.tagNames), isLowerBound };
      }
      return counts;
    },
  });
}

/** From the oldest image's to this one, and those that are counted: counts may leave years out. */
function useYears({
  counts,
  isWanted,
  today,
}: {
  counts: FacetCounts;
  isWanted: boolean;
  today: Date;
}): number[] {
  const oldest = useQuery({
    queryKey: [...searchKey, 'oldest'],
    enabled: isWanted,
    queryFn: ({ signal }) => findOldest(signal),
  });
  return useMemo(
    () => listYears(oldest.data ?? null, today, counts.year?.counts.keys()),
    [counts, oldest.data, today],
  );
}

function toMap<Value>(counts: readonly { value: Value; count: number }[]): Map<Value, number> {
  return new Map(counts.map(({ count, value }) => [value, count]));
}

function withZeros(
  counts: readonly { value: string; count: number }[],
  names: readonly string[] = [],
): Map<string, number> {
  const known = toMap(counts);
  return new Map(names.map((name) => [name, known.get(name) ?? 0]));
}

function byType(counts: readonly { value: string; count: number }[]): Map<string, number> {
  const known = toMap(counts);
  return new Map(imageTypes.map((type) => [type, known.get(`image/${type}`) ?? 0]));
}

function withSubfolders(
  counts: readonly { value: number | null; count: number }[],
  folders: readonly Folder[] | null,
): Map<number, number> {
  const own = toMap(counts);
  return new Map(
    (folders ?? []).map(({ id, idsWithin }) => [
      id,
      idsWithin.reduce((sum, inner) => sum + (own.get(inner) ?? 0), 0),
    ]),
  );
}

/** Returns whether a file is an image, and shows a warning if not. */
function useFileCheck(): (file: File) => boolean {
  const text = useText();
  const { toggleNotification } = useNotification();
  return useCallback(
    ({ name, type }) => {
      if (type.startsWith('image/')) return true;
      toggleNotification({ type: 'warning', message: text('search.image.invalid', { name }) });
      return false;
    },
    [text, toggleNotification],
  );
}
