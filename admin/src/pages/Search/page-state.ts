import { useNotification } from '@strapi/strapi/admin';
import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'react-router-dom';
import { apiLimits } from '../../../../plugin/src/contracts/limits';
import { search, type SearchFields } from '../../api/search';
import { libraryKeys, useFolders } from '../../hooks/library';
import { useText } from '../../hooks/text';
import {
  addExample,
  readQuery,
  toSearchFields,
  writeQuery,
  type SearchFilters,
  type SearchQuery,
} from './query';
import { useQueryImages, type QueryImage } from './query-images';

export type SearchPageState = ReturnType<typeof useSearchPage>;

export const searchKey = ['search'] as const;

/** The query, its results, and ways to change the query. */
export function useSearchPage() {
  const { query, change, ...field } = useQueryState();
  const { find, add } = useQueryImages();
  const image = query.image === null ? null : find(query.image);
  /** The address names an image that this browser tab does not have. */
  const isImageUnavailable = query.image !== null && image === null;
  const [needsFolders, setNeedsFolders] = useState(false);
  const folders = useFolders(needsFolders || query.filters.folder !== undefined);
  const [today] = useState(() => new Date());
  const fields = useMemo(
    () => (isImageUnavailable ? null : toSearchFields(query, folders, today)),
    [query, folders, today, isImageUnavailable],
  );
  const results = useResults(fields, image);
  const checkFile = useFileCheck();

  const searchWithFile = useCallback(
    (file: File) => {
      if (!checkFile(file)) return;
      void add(file).then(({ key }) => {
        change({ ...query, image: key });
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
    results,
    hits: useMemo(() => results.data?.pages.flatMap(({ data }) => data) ?? [], [results.data]),
    change,
    searchWithFile,
    searchLike: (id: number) => {
      change(addExample(query, 'like', id));
    },
    setFilters: (filters: SearchFilters) => {
      change({ ...query, filters });
    },
    loadFolders: () => {
      setNeedsFolders(true);
    },
  };
}

const TYPING_PAUSE_MS = 300;

/**
 * The query in the page's address, and a way to change it. Each change is one step in the browser's history; so is
 * everything typed in one go.
 */
function useQueryState(): {
  query: SearchQuery;
  change: (next: SearchQuery) => void;
  /** The text in the field, which the address follows after a pause in typing. */
  typed: string;
  type: (text: string) => void;
  /** Holds the search back while an input method composes a character, as in Japanese. */
  compose: (isComposing: boolean) => void;
  /** Searches without waiting for the pause. */
  submit: () => void;
} {
  const [parameters, setParameters] = useSearchParams();
  const address = parameters.toString();
  const query = useMemo(() => readQuery(new URLSearchParams(address)), [address]);
  const [draft, setDraft] = useState<string | null>(null);
  /** The text that typing last wrote to the address. */
  const [applied, setApplied] = useState<string | null>(null);
  const [shown, setShown] = useState(query.text);
  const [isComposing, setIsComposing] = useState(false);
  /** Whether typing made the newest step of the history. */
  const isTyping = useRef(false);

  // Back, forward and links change only the address: the field follows, but keeps what was typed in the meantime.
  if (query.text !== shown) {
    setShown(query.text);
    if (query.text !== applied) setDraft(null);
  }

  const change = useCallback(
    (next: SearchQuery) => {
      // Includes text that is still waiting for the pause.
      const text = draft !== null && next.text === query.text ? draft.trim() : next.text;
      isTyping.current = false;
      setDraft(null);
      setParameters(writeQuery({ ...next, text }));
    },
    [draft, query.text, setParameters],
  );

  const apply = useCallback(
    (draftText: string) => {
      const text = draftText.trim();
      if (text === query.text) return;
      setApplied(text);
      setParameters(writeQuery({ ...query, text }), { replace: isTyping.current });
      isTyping.current = true;
    },
    [query, setParameters],
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
