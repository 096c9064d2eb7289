import { useNotification } from '@strapi/strapi/admin';
import { useCallback, useMemo, useState } from 'react';
import { useFolders } from '../../hooks/library';
import { useQueryPictures } from '../../hooks/query-pictures';
import { useSearch } from '../../hooks/search';
import { useText } from '../../hooks/text';
import { addExample, type SearchFilters } from './query';
import { useQueryState } from './query-state';
import { toSearchFields } from './request';

export type SearchPageState = ReturnType<typeof useSearchPage>;

/** The question, its answer, and the ways to change the question. */
export function useSearchPage() {
  const { query, change, ...field } = useQueryState();
  const { find, add } = useQueryPictures();
  const picture = query.picture === null ? null : find(query.picture);
  /** The address names a picture that this browser tab does not have. */
  const isPictureGone = query.picture !== null && picture === null;
  const [areFoldersWanted, setAreFoldersWanted] = useState(false);
  const folders = useFolders(areFoldersWanted || query.filters.folder !== undefined);
  const [today] = useState(() => new Date());
  const fields = useMemo(
    () => (isPictureGone ? null : toSearchFields(query, folders, today)),
    [query, folders, today, isPictureGone],
  );
  const answer = useSearch(fields, picture);
  const checkFile = useFileCheck();

  const takeFile = useCallback(
    (file: File) => {
      if (!checkFile(file)) return;
      void add(file).then(({ key }) => {
        change({ ...query, picture: key });
      });
    },
    [add, change, checkFile, query],
  );

  return {
    query,
    field,
    fields,
    picture,
    isPictureGone,
    folders,
    answer,
    hits: useMemo(() => answer.data?.pages.flatMap(({ data }) => data) ?? [], [answer.data]),
    change,
    takeFile,
    searchLike: (id: number) => {
      change(addExample(query, 'like', id));
    },
    setFilters: (filters: SearchFilters) => {
      change({ ...query, filters });
    },
    loadFolders: () => {
      setAreFoldersWanted(true);
    },
  };
}

/** Whether a file is a picture; says so if it is none. */
function useFileCheck(): (file: File) => boolean {
  const text = useText();
  const { toggleNotification } = useNotification();
  return useCallback(
    ({ name, type }) => {
      if (type.startsWith('image/')) return true;
      toggleNotification({ type: 'warning', message: text('search.picture.notOne', { name }) });
      return false;
    },
    [text, toggleNotification],
  );
}
