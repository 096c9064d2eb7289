import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../api/asset';
import type { SearchHit } from '../../api/search';
import { useText } from '../../hooks/text';
import { justifyRows, type Row } from './justified-rows';
import { ResultCard, type ResultActions } from './result-card';
import { usePlacement, useRowVirtualizer } from './row-virtualizer';

const GAP = 8;
const ROW_HEIGHT = 232;
/** Rows before the end at which more is asked for. */
const ROWS_AHEAD = 8;

interface ResultGridProps extends ResultActions {
  hits: readonly SearchHit[];
  selected: ReadonlySet<number>;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
}

/** Results in rows of pictures that keep their proportions; only those near what is seen are drawn. */
export function ResultGrid(props: ResultGridProps) {
  const { hits, selected, hasMore, isLoadingMore, onMore, ...actions } = props;
  const text = useText();
  const container = useRef<HTMLDivElement>(null);
  const placement = usePlacement(container);
  const width = placement?.width ?? 0;
  const rows = useMemo(
    () =>
      width === 0
        ? []
        : justifyRows(
            hits.map(({ file }) => ratioOf(file)),
            { width, rowHeight: ROW_HEIGHT, gap: GAP, isComplete: !hasMore },
          ),
    [hits, width, hasMore],
  );
  const focus = useRovingFocus(rows, hits.length);
  const virtualizer = useRowVirtualizer({
    container,
    rows,
    gap: GAP,
    top: placement?.top ?? 0,
    keptRow: focus.row,
  });
  const drawn = virtualizer.getVirtualItems();
  const lastDrawn = drawn.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasMore && !isLoadingMore && lastDrawn >= rows.length - ROWS_AHEAD) onMore();
  }, [hasMore, isLoadingMore, lastDrawn, rows.length, onMore]);

  const onKeyDown = (event: KeyboardEvent) => {
    const row = focus.move(event.key);
    if (row === null) return;
    event.preventDefault();
    virtualizer.scrollToIndex(row);
  };
  const strengthOf = strengthScale(hits);

  return (
    <List
      ref={container}
      role="list"
      aria-label={text('search.results.label')}
      style={{ height: virtualizer.getTotalSize() }}
      onKeyDown={onKeyDown}
    >
      {drawn.map(({ index: rowIndex, start, key }) => (
        <RowBox
          key={key}
          role="presentation"
          style={{ transform: `translateY(${String(start - (placement?.top ?? 0))}px)` }}
        >
          {rows[rowIndex]?.pictures.map(({ index, width: pictureWidth }) => {
            const hit = hits[index];
            if (!hit) return null;
            return (
              <ResultCard
                key={hit.file.id}
                {...actions}
                hit={hit}
                index={index}
                count={hasMore ? -1 : hits.length}
                width={pictureWidth}
                height={rows[rowIndex]?.height ?? ROW_HEIGHT}
                strength={strengthOf(hit.score)}
                isSelected={selected.has(hit.file.id)}
                isSelecting={selected.size > 0}
                isReachable={index === focus.index}
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

/** Which result is in the page's order of focus, and where the arrow keys go from it. */
function useRovingFocus(rows: readonly Row[], count: number) {
  const [focus, setFocus] = useState({ index: 0, isMoved: false, isInside: false });
  const index = Math.min(focus.index, Math.max(count - 1, 0));
  const rowOf = (target: number) =>
    rows.findIndex(({ pictures }) => pictures.some((picture) => picture.index === target));

  const targetOf = (key: string): number | null => {
    if (key === 'ArrowRight') return index + 1;
    if (key === 'ArrowLeft') return index - 1;
    if (key === 'Home') return 0;
    if (key === 'End') return rows.at(-1)?.pictures.at(-1)?.index ?? null;
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
    /** The row to show; null for a key that leads nowhere. */
    move: (key: string): number | null => {
      const target = targetOf(key);
      const row = target === null ? -1 : rowOf(target);
      if (target === null || row === -1) return null;
      setFocus({ index: target, isMoved: true, isInside: true });
      return row;
    },
  };
}

/** The picture of another row whose middle is nearest. */
function nearestIn(rows: readonly Row[], from: number, to: number, index: number): number | null {
  const middle = middlesOf(rows[from]).find((candidate) => candidate.index === index)?.middle ?? 0;
  const candidates = middlesOf(rows[to]).sort(
    (a, b) => Math.abs(a.middle - middle) - Math.abs(b.middle - middle),
  );
  return candidates[0]?.index ?? null;
}

function middlesOf(row: Row | undefined): { index: number; middle: number }[] {
  let left = 0;
  return (row?.pictures ?? []).map(({ index, width }) => {
    const middle = left + width / 2;
    left += width + GAP;
    return { index, middle };
  });
}

function ratioOf({ width, height }: Asset): number {
  return width && height ? width / height : 1;
}

/** The best is 1; a score of half the best, and what is below, next to nothing. */
function strengthScale(hits: readonly SearchHit[]): (score: number) => number {
  const best = hits[0]?.score ?? 0;
  const worst = best / 2;
  return (score) => (best <= 0 ? 0 : Math.max(0.02, (score - worst) / (best - worst)));
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
