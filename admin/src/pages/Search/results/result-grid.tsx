import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import type { SearchHit } from '../../../api/search';
import { useText } from '../../../hooks/text';
import { justifyRows, type Row } from './justified-rows';
import { ResultCard, type ResultActions } from './result-card';
import { usePlacement, useRowVirtualizer } from './row-virtualizer';

/** In pixels. */
const GAP = 8;
const ROW_HEIGHT = 232;
/** In a dialog. */
const LOW_ROW_HEIGHT = 152;
/** Loads more when this many rows remain. */
const PREFETCH_ROWS = 8;

export interface ResultGridProps extends ResultActions {
  hits: readonly SearchHit[];
  /** For screen readers. @default “Search results” */
  label?: string;
  selected: ReadonlySet<number>;
  /** Whose details are open; null for none. */
  openId?: number | null;
  /** Whether it scrolls within a dialog instead of the page. */
  isInDialog?: boolean;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
  onSelectAll?: () => void;
}

/** Results in rows of images that keep their proportions. Renders only the rows near the viewport. */
export function ResultGrid(props: ResultGridProps) {
  const { hits, selected, hasMore, isLoadingMore, onMore } = props;
  const { openId = null, isInDialog = false, onSelectAll, ...actions } = props;
  const rowHeight = isInDialog ? LOW_ROW_HEIGHT : ROW_HEIGHT;
  const text = useText();
  const container = useRef<HTMLDivElement>(null);
  const placement = usePlacement(container, { isInDialog });
  const width = placement?.width ?? 0;
  const rows = useMemo(
    () =>
      width === 0
        ? []
        : justifyRows(
            hits.map(({ file }) => ratioOf(file)),
            { width, rowHeight, gap: GAP, isComplete: !hasMore },
          ),
    [hits, width, rowHeight, hasMore],
  );
  const focus = useRovingFocus(rows, hits.length);
  const virtualizer = useRowVirtualizer({
    container,
    rows,
    gap: GAP,
    top: placement?.top ?? 0,
    pinnedRow: focus.row,
    isInDialog,
  });
  const rendered = virtualizer.getVirtualItems();
  const lastRendered = rendered.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && !isLoadingMore && lastRendered >= rows.length - PREFETCH_ROWS) onMore();
  }, [hasMore, isLoadingMore, lastRendered, rows.length, onMore]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (onSelectAll && event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSelectAll();
      return;
    }
    const row = focus.move(event.key);
    if (row === null) return;
    event.preventDefault();
    virtualizer.scrollToIndex(row);
  };

  return (
    <List
      ref={container}
      role="list"
      aria-label={props.label ?? text('search.results.label')}
      style={{ height: virtualizer.getTotalSize() }}
      onKeyDown={onKeyDown}
    >
      {rendered.map(({ index: rowIndex, start, key }) => (
        <RowBox
          key={key}
          role="presentation"
          style={{ transform: `translateY(${String(start - (placement?.top ?? 0))}px)` }}
        >
          {rows[rowIndex]?.images.map(({ index, width: imageWidth }) => {
            const hit = hits[index];
            if (!hit) return null;
            return (
              <ResultCard
                key={hit.file.id}
                onOpen={actions.onOpen}
                onToggle={actions.onToggle}
                onExample={actions.onExample}
                opens={actions.opens ?? 'details'}
                hit={hit}
                index={index}
                count={hasMore ? -1 : hits.length}
                width={imageWidth}
                height={rows[rowIndex]?.height ?? rowHeight}
                isOpen={hit.file.id === openId}
                isSelected={selected.has(hit.file.id)}
                isSelecting={selected.size > 0}
                isTabStop={index === focus.index}
                takesFocus={index === focus.index && focus.isMoved}
                onFocus={focus.set}
              />
            );
          })}
        </RowBox>
      ))}
    </List>
  );
}

/** One result is in the tab order; the arrow keys move the focus from there. */
function useRovingFocus(rows: readonly Row[], count: number) {
  const [focus, setFocus] = useState({ index: 0, isMoved: false, isInside: false });
  const index = Math.min(focus.index, Math.max(count - 1, 0));
  const rowOf = (target: number) =>
    rows.findIndex(({ images }) => images.some((image) => image.index === target));

  const targetOf = (key: string): number | null => {
    if (key === 'ArrowRight') return index + 1;
    if (key === 'ArrowLeft') return index - 1;
    if (key === 'Home') return 0;
    if (key === 'End') return rows.at(-1)?.images.at(-1)?.index ?? null;
    const row = rowOf(index);
    if (key === 'ArrowDown') return nearestIn(rows, row, row + 1, index);
    if (key === 'ArrowUp') return nearestIn(rows, row, row - 1, index);
    return null;
  };

  return {
    index,
    isMoved: focus.isMoved,
    row: focus.isInside ? rowOf(index) : null,
    set: (next: number) => {
      setFocus({ index: next, isMoved: false, isInside: true });
    },
    /** Returns the row to scroll to; null if the key doesn't move the focus. */
    move: (key: string): number | null => {
      const target = targetOf(key);
      const row = target === null ? -1 : rowOf(target);
      if (target === null || row === -1) return null;
      setFocus({ index: target, isMoved: true, isInside: true });
      return row;
    },
  };
}

/** The image in another row with the nearest center. */
function nearestIn(rows: readonly Row[], from: number, to: number, index: number): number | null {
  const center = centersOf(rows[from]).find((candidate) => candidate.index === index)?.center ?? 0;
  const candidates = centersOf(rows[to]).sort(
    (a, b) => Math.abs(a.center - center) - Math.abs(b.center - center),
  );
  return candidates[0]?.index ?? null;
}

function centersOf(row: Row | undefined): { index: number; center: number }[] {
  let left = 0;
  return (row?.images ?? []).map(({ index, width }) => {
    const center = left + width / 2;
    left += width + GAP;
    return { index, center };
  });
}

/** Of A4. */
const PAGE_RATIO = 1 / Math.SQRT2;

function ratioOf({ mime, width, height }: Asset): number {
  // Pages are upright.
  if (!width || !height) return mime === 'application/pdf' ? PAGE_RATIO : 1;
  return width / height;
}

const List = styled.div`
  position: relative;
  width: 100%;
`;

const RowBox = styled.div`
  position: absolute;
  top: 0;
  left: 0;
  display: flex;
  gap: ${String(GAP)}px;
`;
