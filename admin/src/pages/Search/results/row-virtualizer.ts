import { useIsDesktop } from '@strapi/strapi/admin';
import {
  defaultRangeExtractor,
  elementScroll,
  useVirtualizer,
  useWindowVirtualizer,
  type Range,
  type Virtualizer,
} from '@tanstack/react-virtual';
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { Row } from './justified-rows';

/** In pixels: the header of the page stays at the top and would cover a row that the arrow keys lead to. */
const HEADER_HEIGHT = 168;

/** Rows rendered above and below the viewport. */
const OVERSCAN = 4;

export interface Placement {
  /** In pixels. */
  width: number;
  /** Distance from the start of the scrolled content to the element, in pixels. */
  top: number;
}

/** Tracks where an element is; null until it is mounted. */
export function usePlacement(
  element: RefObject<HTMLElement>,
  { isInDialog }: { isInDialog: boolean },
): Placement | null {
  const scrollsInElement = useIsDesktop() || isInDialog;
  const [placement, setPlacement] = useState<Placement | null>(null);
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const measure = () => {
      const width = current.clientWidth;
      const top = distanceFromStart(current, scrollsInElement ? findScroller(current) : null);
      setPlacement((last) =>
        last?.width === width && Math.abs(last.top - top) < 1 ? last : { width, top },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    if (current.parentElement) observer.observe(current.parentElement);
    return () => {
      observer.disconnect();
    };
  }, [element, scrollsInElement]);
  return placement;
}

/**
 * Renders only the rows near the viewport.
 *
 * @param options.pinnedRow always rendered, because it has the focus; null for none
 */
export function useRowVirtualizer(options: {
  container: RefObject<HTMLElement>;
  rows: readonly Row[];
  gap: number;
  top: number;
  pinnedRow: number | null;
  isInDialog: boolean;
}): Virtualizer<HTMLElement, Element> | Virtualizer<Window, Element> {
  const { container, rows, gap, top, pinnedRow, isInDialog } = options;
  const scrollsInElement = useIsDesktop() || isInDialog;
  const rangeExtractor = useCallback(
    (range: Range) => {
      const rendered = defaultRangeExtractor(range);
      if (pinnedRow === null || pinnedRow >= rows.length || rendered.includes(pinnedRow))
        return rendered;
      return [...rendered, pinnedRow].sort((a, b) => a - b);
    },
    [pinnedRow, rows.length],
  );
  const shared = {
    count: rows.length,
    estimateSize: (index: number) => (rows[index]?.height ?? 0) + gap,
    overscan: OVERSCAN,
    scrollPaddingStart: isInDialog ? gap : HEADER_HEIGHT,
    scrollMargin: top,
    rangeExtractor,
  };
  // Cached, because the virtualizer asks often and finding the element forces a style recalculation.
  const scroller = useRef<HTMLElement | null>(null);
  // Strapi scrolls an element within the window, except on small screens, where the window scrolls.
  // A virtualizer scrolls to its start when it starts; a second grid, further down, must not.
  const hasStarted = useRef(false);
  const inElement = useVirtualizer<HTMLElement, Element>({
    ...shared,
    enabled: scrollsInElement,
    scrollToFn: (...scroll) => {
      if (hasStarted.current) elementScroll(...scroll);
    },
    getScrollElement: () => {
      if (scroller.current?.isConnected !== true) {
        scroller.current = container.current && findScroller(container.current);
      }
      return scroller.current;
    },
  });
  const inWindow = useWindowVirtualizer({ ...shared, enabled: !scrollsInElement });
  useLayoutEffect(() => {
    hasStarted.current = true;
  }, []);
  const virtualizer = scrollsInElement ? inElement : inWindow;
  useLayoutEffect(() => {
    virtualizer.measure();
  }, [rows, virtualizer]);
  return virtualizer;
}

/** Scrolls the page to its start. */
export function scrollToStart(within: HTMLElement): void {
  findScroller(within)?.scrollTo({ top: 0 });
  window.scrollTo({ top: 0 });
}

function findScroller(element: HTMLElement): HTMLElement | null {
  let parent = element.parentElement;
  while (parent && !/auto|scroll/.test(getComputedStyle(parent).overflowY)) {
    parent = parent.parentElement;
  }
  return parent;
}

function distanceFromStart(element: HTMLElement, scroller: HTMLElement | null): number {
  const { top } = element.getBoundingClientRect();
  if (scroller === null) return top + window.scrollY;
  return top - scroller.getBoundingClientRect().top + scroller.scrollTop;
}
