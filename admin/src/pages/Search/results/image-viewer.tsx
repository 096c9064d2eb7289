import { Flex, IconButton, Modal, Typography, VisuallyHidden } from '@strapi/design-system';
import { Cross, Minus, Plus } from '@strapi/icons';
import { useEffect, useRef, useState, type PointerEvent } from 'react';
import { styled } from 'styled-components';
import { absoluteUrl, isShownByBrowsers, type Asset } from '../../../api/asset';
import type { SearchHit } from '../../../api/search';
import { nameOf, usePreviewUrl } from '../../../components/file-image';
import { useFormats } from '../../../hooks/formats';
import { useText } from '../../../hooks/text';

/** 1 fits the window. */
const MAX_ZOOM = 12;
const STEP = 1.5;
/** Zoom per pixel of the mouse wheel, as an exponent. */
const WHEEL = 0.002;

interface View {
  zoom: number;
  /** Of the image's center from the window's, in pixels. */
  x: number;
  y: number;
}

const whole: View = { zoom: 1, x: 0, y: 0 };

interface ImageViewerProps {
  asset: Asset;
  /** What of the file to show, if it has several images. */
  view: SearchHit['view'];
  /** Receives the arrow keys. */
  onStep: (key: string) => void;
  onClose: () => void;
}

/** An image in full size: zoom with the wheel, a double click or + and −, move by dragging. */
export function ImageViewer({ asset, view: shown, onStep, onClose }: ImageViewerProps) {
  const text = useText();
  const previewUrl = usePreviewUrl(asset, shown);
  const formats = useFormats();
  const [view, setView] = useState(whole);
  const grip = useRef<{ x: number; y: number } | null>(null);
  const [shownId, setShownId] = useState(asset.id);
  if (shownId !== asset.id) {
    setShownId(asset.id);
    setView(whole);
  }
  const zoomBy = (factor: number) => {
    setView((before) => zoomed(before, factor, { x: 0, y: 0 }));
  };

  // React's own listener is passive and couldn't keep the page from scrolling.
  const [stageElement, setStageElement] = useState<HTMLDivElement | null>(null);
  useEffect(() => {
    if (!stageElement) return undefined;
    const listen = (event: WheelEvent) => {
      event.preventDefault();
      const point = fromCenter(stageElement, event);
      setView((before) => zoomed(before, Math.exp(-event.deltaY * WHEEL), point));
    };
    stageElement.addEventListener('wheel', listen, { passive: false });
    return () => {
      stageElement.removeEventListener('wheel', listen);
    };
  }, [stageElement]);

  const move = ({ clientX, clientY }: PointerEvent) => {
    const from = grip.current;
    if (!from) return;
    grip.current = { x: clientX, y: clientY };
    setView((before) => ({
      ...before,
      x: before.x + clientX - from.x,
      y: before.y + clientY - from.y,
    }));
  };

  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Window
        aria-describedby={undefined}
        tabIndex={-1}
        onOpenAutoFocus={(event) => {
          // Focuses the window instead of its first button, for the keys below.
          event.preventDefault();
          if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === '+' || event.key === '=') zoomBy(STEP);
          if (event.key === '-') zoomBy(1 / STEP);
          if (event.key === '0') setView(whole);
          onStep(event.key);
        }}
      >
        <Modal.Title>
          <VisuallyHidden>{asset.name}</VisuallyHidden>
        </Modal.Title>
        <Stage
          ref={setStageElement}
          $isZoomed={view.zoom > 1}
          onDoubleClick={(event) => {
            const point = fromCenter(event.currentTarget, event);
            setView((before) => (before.zoom > 1 ? whole : zoomed(before, STEP * 2, point)));
          }}
          onPointerDown={(event) => {
            if (view.zoom <= 1) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            grip.current = { x: event.clientX, y: event.clientY };
          }}
          onPointerMove={move}
          onPointerUp={() => {
            grip.current = null;
          }}
        >
          <img
            src={isShownByBrowsers(asset) ? absoluteUrl(asset.url) : (previewUrl ?? undefined)}
            alt={nameOf(asset)}
            draggable={false}
            style={{
              transform: `translate(${String(view.x)}px, ${String(view.y)}px) scale(${String(view.zoom)})`,
            }}
          />
        </Stage>
        <Tools gap={1}>
          <IconButton
            variant="ghost"
            label={text('search.viewer.zoomOut')}
            disabled={view.zoom <= 1}
            onClick={() => {
              zoomBy(1 / STEP);
            }}
          >
            <Minus />
          </IconButton>
          <Typography variant="pi" textAlign="center" minWidth="5rem" role="status">
            {formats.percent(view.zoom)}
          </Typography>
          <IconButton
            variant="ghost"
            label={text('search.viewer.zoomIn')}
            disabled={view.zoom >= MAX_ZOOM}
            onClick={() => {
              zoomBy(STEP);
            }}
          >
            <Plus />
          </IconButton>
          <IconButton variant="ghost" label={text('search.viewer.close')} onClick={onClose}>
            <Cross />
          </IconButton>
        </Tools>
      </Window>
    </Modal.Root>
  );
}

/** Keeps the point under the pointer where it is. */
function zoomed(view: View, factor: number, point: { x: number; y: number }): View {
  const zoom = Math.min(Math.max(view.zoom * factor, 1), MAX_ZOOM);
  if (zoom === 1) return whole;
  const share = zoom / view.zoom;
  return {
    zoom,
    x: point.x - (point.x - view.x) * share,
    y: point.y - (point.y - view.y) * share,
  };
}

function fromCenter(
  element: Element,
  { clientX, clientY }: { clientX: number; clientY: number },
): { x: number; y: number } {
  const { left, top, width, height } = element.getBoundingClientRect();
  return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
}

const Window = styled(Modal.Content)`
  && {
    width: 100%;
    max-width: 100%;
    height: 100dvh;
    max-height: 100dvh;
    border-radius: 0;
    animation-name: none;
  }
  background: ${({ theme }) => theme.colors.neutral100};
`;

const Stage = styled.div<{ $isZoomed: boolean }>`
  flex: 1;
  min-height: 0;
  overflow: hidden;
  touch-action: none;
  cursor: ${({ $isZoomed }) => ($isZoomed ? 'grab' : 'zoom-in')};
  img {
    display: block;
    width: 100%;
    height: 100%;
    object-fit: contain;
  }
`;

const Tools = styled(Flex)`
  position: absolute;
  top: ${({ theme }) => theme.spaces[4]};
  right: ${({ theme }) => theme.spaces[4]};
  padding: ${({ theme }) => theme.spaces[1]};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
`;
