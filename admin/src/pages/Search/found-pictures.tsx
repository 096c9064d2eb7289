import { useCallback, useMemo, useRef, useState } from 'react';
import type { SearchHit } from '../../api/search';
import { DetailsDrawer } from './details-drawer';
import { ResultGrid } from './result-grid';
import { SelectionBar } from './selection-bar';

interface FoundPicturesProps {
  hits: readonly SearchHit[];
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => Promise<unknown>;
  onExample: (side: 'like' | 'unlike', id: number) => void;
  onFindSimilar: (id: number) => void;
}

/** Results, with the one that is looked at and those that are selected. */
export function FoundPictures(props: FoundPicturesProps) {
  const { hits, hasMore, isLoadingMore, onMore, onExample, onFindSimilar } = props;
  const [openId, setOpenId] = useState<number | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  /** What had the focus before the drawer took it. */
  const opener = useRef<Element | null>(null);
  const openIndex = hits.findIndex(({ file }) => file.id === openId);
  const selectedAssets = useMemo(
    () => hits.flatMap(({ file }) => (selected.has(file.id) ? [file] : [])),
    [hits, selected],
  );
  const loadMore = useCallback(() => void onMore(), [onMore]);
  const show = (index: number) => {
    setOpenId(hits[index]?.file.id ?? null);
  };
  return (
    <>
      <ResultGrid
        hits={hits}
        selected={selected}
        hasMore={hasMore}
        isLoadingMore={isLoadingMore}
        onMore={loadMore}
        onOpen={(index) => {
          opener.current = document.activeElement;
          show(index);
        }}
        onExample={onExample}
        onToggle={(id) => {
          setSelected((ids) => toggled(ids, id));
        }}
      />
      <SelectionBar
        assets={selectedAssets}
        onClear={() => {
          setSelected(new Set());
        }}
      />
      <DetailsDrawer
        hit={hits[openIndex] ?? null}
        hasPrevious={openIndex > 0}
        hasNext={openIndex < hits.length - 1}
        onStep={(step) => {
          show(openIndex + step);
        }}
        onFindSimilar={(id) => {
          setOpenId(null);
          onFindSimilar(id);
        }}
        onClose={() => {
          setOpenId(null);
        }}
        onClosed={() => {
          if (opener.current instanceof HTMLElement) opener.current.focus({ preventScroll: true });
        }}
      />
    </>
  );
}

function toggled(ids: ReadonlySet<number>, id: number): ReadonlySet<number> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}
