import { useIsDesktop } from '@strapi/strapi/admin';
import {
  defaultRangeExtractor,
  useVirtualizer,
  useWindowVirtualizer,
  type Range,
  type Virtualizer,
} from '@tanstack/react-virtual';
import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { Row } from './justified-rows';

/** Rows drawn above and below what can be seen. */
const OVERSCAN = 4;

export interface Placement {
  /** Of the element, in pixels. */
  width: number;
  /** From the beginning of what is scrolled to the element. */
  top: number;
}

/** Where an element is, kept up to date; null until it is drawn. */
export function usePlacement(element: RefObject<HTMLElement>): Placement | null {
  const isDesktop = useIsDesktop();
  const [placement, setPlacement] = useState<Placement | null>(null);
  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return undefined;
    const measure = () => {
      const width = current.clientWidth;
      const top = distanceFromStart(current, isDesktop ? findScroller(current) : null);
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
  }, [element, isDesktop]);
  return placement;
}

/**
 * Draws only the rows near what is seen.
 *
 * @param options.keptRow is drawn wherever it is, because it has the focus; null for none
 */
export function useRowVirtualizer(options: {
  container: RefObject<HTMLElement>;
  rows: readonly Row[];
  gap: number;
  top: number;
  keptRow: number | null;
}): Virtualizer<HTMLElement, Element> | Virtualizer<Window, Element> {
  const { container, rows, gap, top, keptRow } = options;
  const isDesktop = useIsDesktop();
  const rangeExtractor = useCallback(
    (range: Range) => {
      const drawn = defaultRangeExtractor(range);
      if (keptRow === null || keptRow >= rows.length || drawn.includes(keptRow)) return drawn;
      return [...drawn, keptRow].sort((a, b) => a - b);
    },
    [keptRow, rows.length],
  );
  const shared = {
    count: rows.length,
    estimateSize: (index: number) => (rows[index]?.height ?? 0) + gap,
    overscan: OVERSCAN,
    scrollMargin: top,
    rangeExtractor,
  };
  // Which element that is, is asked at every step; to find it out makes the browser work out every style.
  const scroller = useRef<HTMLElement | null>(null);
  // Strapi scrolls its page within the window, and on a small screen the window itself.
  const inElement = useVirtualizer<HTMLElement, Element>({
    ...shared,
    enabled: isDesktop,
    getScrollElement: () => {
      if (scroller.current?.isConnected !== true) {
        scroller.current = container.current && findScroller(container.current);
      }
      return scroller.current;
    },
  });
  const inWindow = useWindowVirtualizer({ ...shared, enabled: !isDesktop });
  const virtualizer = isDesktop ? inElement : inWindow;
  useLayoutEffect(() => {
    virtualizer.measure();
  }, [rows, virtualizer]);
  return virtualizer;
}

/** Scrolls to where the page begins. */
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
