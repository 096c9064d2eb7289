import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
} from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { styled, useTheme } from 'styled-components';
import { previewQuery } from '../../components/file-image';
import { useText } from '../../hooks/text';
import { draw, type Colors, type Picture, type Tile } from './drawing';
import {
  imagesIn,
  nearestTo,
  neighborOf,
  toPlace,
  wholeMap,
  within,
  zoomed,
  type Area,
  type Direction,
  type Place,
  type Size,
  type View,
} from './map-view';
import { Thumbnails } from './thumbnails';

const STEP = 1.5;
/** Zoom per pixel of the mouse wheel, as an exponent. */
const WHEEL = 0.002;
/** A press that moves less is a click. */
const CLICK_PX = 5;
/** How far from a point it is still meant. */
const NEAR_PX = 14;

interface MapCanvasProps {
  images: Picture['images'];
  highlighted: ReadonlySet<number> | null;
  selected: ReadonlySet<number>;
  /** Whether dragging selects an area, as it does with Shift. */
  isSelecting: boolean;
  onSelect: (indices: readonly number[]) => void;
  onOpen: (index: number) => void;
  /** Id of what explains the keys. */
  helpId: string;
  /** Receives ways to change the view from outside. */
  onReady: (controls: MapControls) => void;
}

export interface MapControls {
  zoom: (direction: 1 | -1) => void;
  showWhole: () => void;
  /** Selects what the window shows. */
  selectVisible: () => void;
}

/** The map: drag to move, wheel and pinch to zoom, arrow keys from image to image. */
export function MapCanvas(props: MapCanvasProps) {
  const { helpId, images, isSelecting, onOpen, onReady, onSelect } = props;
  const text = useText();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [current, setCurrent] = useState<number | null>(null);
  const [hovered, setHovered] = useState<(Place & { index: number }) | null>(null);
  const [area, setArea] = useState<Area | null>(null);
  const { change, showWhole, view, zoomBy } = useView(images, size);
  const marked = hovered?.index ?? current;
  const { imageAt, nameOf } = useDrawing(canvas, { ...props, view, size, area, current: marked });
  useSize(canvas, setSize);
  useWheel(canvas, zoomBy);
  useEffect(() => {
    onReady({
      zoom: (direction) => {
        zoomBy(STEP ** direction);
      },
      showWhole,
      selectVisible: () => {
        const whole = { from: { x: 0, y: 0 }, to: { x: size.width, y: size.height } };
        onSelect(imagesIn(images, whole, view, size));
      },
    });
  });
  const onKeyDown = createKeyHandler({
    ...props,
    view,
    current,
    setCurrent,
    change,
    zoomBy,
    showWhole,
  });
  const pointers = usePointers({
    isSelecting,
    change,
    zoomBy,
    onArea: (next, isDone) => {
      setArea(isDone ? null : next);
      if (isDone) onSelect(imagesIn(images, next, view, size));
    },
    onClick: (point) => {
      const index = imageAt(point);
      if (index === null) return;
      setCurrent(index);
      onOpen(index);
    },
    onHover: (point) => {
      const index = point && imageAt(point);
      setHovered(point && index !== null ? { ...point, index } : null);
    },
  });
  const hoveredName = hovered && nameOf(hovered.index);
  return (
    <Frame>
      <Surface
        ref={canvas}
        role="application"
        tabIndex={0}
        aria-label={text('map.label')}
        aria-describedby={helpId}
        $isSelecting={isSelecting}
        style={{ cursor: hovered && !isSelecting ? 'pointer' : undefined }}
        onKeyDown={onKeyDown}
        {...pointers}
      />
      {hovered && hoveredName && (
        <Name style={{ left: hovered.x, top: hovered.y }} $isLeft={hovered.x > size.width / 2}>
          {hoveredName}
        </Name>
      )}
      <Announcement role="status">{nameOf(current)}</Announcement>
    </Frame>
  );
}

/** What the window shows of the map: the whole of it until the user moves it. */
function useView(images: Picture['images'], size: Size) {
  const [moved, setMoved] = useState<View | null>(null);
  const change = useCallback(
    (next: (before: View, size: Size) => View) => {
      setMoved((before) => {
        const from = within(before ?? wholeMap(images, size), images, size);
        return within(next(from, size), images, size);
      });
    },
    [images, size],
  );
  const zoomBy = useCallback(
    (factor: number, point?: Place) => {
      change((before, { height, width }) => {
        const fixed = point ?? { x: width / 2, y: height / 2 };
        return zoomed(before, factor, fixed, { height, width });
      });
    },
    [change],
  );
  return {
    view: within(moved ?? wholeMap(images, size), images, size),
    change,
    zoomBy,
    showWhole: () => {
      setMoved(null);
    },
  };
}

/** Draws the map after every render, and knows what is where. */
function useDrawing(
  canvas: RefObject<HTMLCanvasElement>,
  picture: Omit<Picture, 'thumbnails' | 'colors'>,
) {
  const { area, current, highlighted, images, selected, size, view } = picture;
  const colors = useColors();
  const [, redraw] = useState(0);
  const thumbnails = useThumbnails(redraw);
  const tiles = useRef<readonly Tile[]>([]);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || size.width === 0) return;
    const all = { images, view, size, highlighted, selected, current, area, thumbnails, colors };
    tiles.current = draw(context, all);
  });
  return {
    imageAt: (point: Place): number | null => {
      const tile = tiles.current.findLast(
        ({ height, left, top, width }) =>
          point.x >= left && point.x <= left + width && point.y >= top && point.y <= top + height,
      );
      return tile?.index ?? nearestTo(images, toPlace(point, view, size), NEAR_PX / view.scale);
    },
    nameOf: (index: number | null): string =>
      index === null ? '' : (thumbnails.assetOf(images.fileIds[index] ?? 0)?.name ?? ''),
  };
}

interface KeyOptions extends Pick<MapCanvasProps, 'images' | 'onOpen' | 'onSelect'> {
  view: View;
  current: number | null;
  setCurrent: (index: number) => void;
  change: (next: (before: View) => View) => void;
  zoomBy: (factor: number) => void;
  showWhole: () => void;
}

/** Arrow keys go from image to image. */
function createKeyHandler(options: KeyOptions): (event: KeyboardEvent) => void {
  const { change, current, images, onOpen, onSelect, setCurrent, showWhole, view, zoomBy } =
    options;
  const moveTo = (index: number): void => {
    setCurrent(index);
    const center = { x: (images.x[index] ?? 0) + 0.5, y: (images.y[index] ?? 0) + 0.5 };
    change((before) => ({ ...before, center }));
  };
  return (event) => {
    const from = current ?? nearestTo(images, view.center);
    const direction = directions[event.key];
    if (direction && from !== null) {
      const next = current === null ? from : neighborOf(images, from, direction);
      if (next !== null) moveTo(next);
    } else if (event.key === '+' || event.key === '=') zoomBy(STEP);
    else if (event.key === '-') zoomBy(1 / STEP);
    else if (event.key === '0') showWhole();
    else if (event.key === 'Enter' && from !== null) onOpen(from);
    else if (event.key === 'Escape') onSelect([]);
    else return;
    event.preventDefault();
  };
}

const directions: Partial<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

function useColors(): Colors {
  const { colors } = useTheme();
  return useMemo(
    () => ({
      background: colors.neutral0,
      point: colors.neutral500,
      highlight: colors.warning600,
      selection: colors.primary600,
      frame: colors.primary700,
    }),
    [colors],
  );
}

function useThumbnails(redraw: (change: (count: number) => number) => void): Thumbnails {
  const client = useQueryClient();
  const [thumbnails] = useState(
    () =>
      new Thumbnails({
        onChange: () => {
          redraw((count) => count + 1);
        },
        previewUrlOf: (asset) => client.query(previewQuery(asset, undefined)),
      }),
  );
  useEffect(
    () => () => {
      thumbnails.end();
    },
    [thumbnails],
  );
  return thumbnails;
}

/** Keeps as many pixels in the canvas as the screen shows. */
function useSize(canvas: RefObject<HTMLCanvasElement>, onChange: (size: Size) => void): void {
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => {
      const { clientHeight: height, clientWidth: width } = element;
      element.width = width * window.devicePixelRatio;
      element.height = height * window.devicePixelRatio;
      onChange({ width, height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [canvas, onChange]);
}

/** React's own listener is passive and couldn't keep the page from scrolling. */
function useWheel(
  canvas: RefObject<HTMLCanvasElement>,
  zoomBy: (factor: number, point: Place) => void,
): void {
  useEffect(() => {
    const element = canvas.current;
    const listen = (event: WheelEvent): void => {
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY * WHEEL), { x: event.offsetX, y: event.offsetY });
    };
    element?.addEventListener('wheel', listen, { passive: false });
    return () => {
      element?.removeEventListener('wheel', listen);
    };
  }, [canvas, zoomBy]);
}

interface PointerOptions {
  isSelecting: boolean;
  change: (next: (before: View) => View) => void;
  zoomBy: (factor: number, point: Place) => void;
  onArea: (area: Area, isDone: boolean) => void;
  onClick: (point: Place) => void;
  /** Null outside. */
  onHover: (point: Place | null) => void;
}

/** A press: where it began, and what it does. */
interface Press {
  start: Place;
  selects: boolean;
  hasMoved: boolean;
}

/** One pointer moves the map, selects an area or clicks; two zoom. */
function usePointers({ change, isSelecting, onArea, onClick, onHover, zoomBy }: PointerOptions) {
  const down = useRef(new Map<number, Place>());
  const press = useRef<Press | null>(null);
  const end = (event: PointerEvent): void => {
    const point = pointOf(event);
    const ended = press.current;
    down.current.delete(event.pointerId);
    if (down.current.size > 0) return;
    press.current = null;
    if (!ended || event.type === 'pointercancel') return;
    if (!ended.hasMoved) onClick(point);
    else if (ended.selects) onArea({ from: ended.start, to: point }, true);
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      const point = pointOf(event);
      event.currentTarget.setPointerCapture(event.pointerId);
      down.current.set(event.pointerId, point);
      const isFirst = down.current.size === 1;
      press.current = {
        start: point,
        selects: isFirst && (isSelecting || event.shiftKey),
        hasMoved: !isFirst,
      };
    },
    onPointerMove: (event: PointerEvent) => {
      const point = pointOf(event);
      const before = down.current.get(event.pointerId);
      const started = press.current;
      if (!before || !started) {
        if (event.pointerType === 'mouse') onHover(point);
        return;
      }
      started.hasMoved ||= distanceOf(started.start, point) > CLICK_PX;
      if (!started.hasMoved) return;
      down.current.set(event.pointerId, point);
      onHover(null);
      const [other] = [...down.current].flatMap(([id, place]) =>
        id === event.pointerId ? [] : [place],
      );
      if (other) {
        const factor = distanceOf(other, point) / Math.max(1, distanceOf(other, before));
        zoomBy(factor, { x: (other.x + point.x) / 2, y: (other.y + point.y) / 2 });
      } else if (started.selects) {
        onArea({ from: started.start, to: point }, false);
      } else {
        change(({ center, scale }) => ({
          scale,
          center: {
            x: center.x - (point.x - before.x) / scale,
            y: center.y - (point.y - before.y) / scale,
          },
        }));
      }
    },
    onPointerUp: end,
    onPointerCancel: end,
    onPointerLeave: () => {
      onHover(null);
    },
  };
}

function pointOf({ clientX, clientY, currentTarget }: PointerEvent): Place {
  const { left, top } = currentTarget.getBoundingClientRect();
  return { x: clientX - left, y: clientY - top };
}

function distanceOf(one: Place, other: Place): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

const Frame = styled.div`
  position: relative;
  flex: none;
  height: max(32rem, calc(100dvh - 32rem));
  overflow: hidden;
  border: 1px solid ${({ theme }) => theme.colors.neutral150};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
`;

const Surface = styled.canvas<{ $isSelecting: boolean }>`
  display: block;
  width: 100%;
  height: 100%;
  cursor: ${({ $isSelecting }) => ($isSelecting ? 'crosshair' : 'grab')};
  /* Fingers move and zoom the map, not the page. */
  touch-action: none;
  &:active {
    cursor: ${({ $isSelecting }) => ($isSelecting ? 'crosshair' : 'grabbing')};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: -2px;
  }
`;

const Name = styled.div<{ $isLeft: boolean }>`
  position: absolute;
  max-width: 28rem;
  padding: ${({ theme }) => `${theme.spaces[1]} ${theme.spaces[2]}`};
  overflow: hidden;
  transform: ${({ $isLeft }) =>
    $isLeft ? 'translate(calc(-100% - 1.2rem), 1.2rem)' : 'translate(1.2rem, 1.2rem)'};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral900};
  color: ${({ theme }) => theme.colors.neutral0};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  text-overflow: ellipsis;
  white-space: nowrap;
  pointer-events: none;
`;

const Announcement = styled.p`
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
`;
