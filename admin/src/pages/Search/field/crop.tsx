import {
  Box,
  Button,
  Flex,
  IconButton,
  Popover,
  Typography,
  VisuallyHidden,
} from '@strapi/design-system';
import { Crop as CropIcon } from '@strapi/icons';
import {
  useEffect,
  useId,
  useRef,
  useState,
  type KeyboardEvent,
  type MutableRefObject,
  type PointerEvent,
} from 'react';
import { styled } from 'styled-components';
import { useFormats } from '../../../hooks/formats';
import { useText } from '../../../hooks/text';
import {
  CORNERS,
  drawnRegion,
  isWhole,
  movedRegion,
  resizedRegion,
  roundedRegion,
  stretchedRegion,
  WHOLE,
  type Corner,
  type Point,
} from '../region';
import type { Region } from '../query';

interface CropProps {
  /** Of the whole image itself: copies may lack its orientation. */
  source: string;
  name: string;
  /** Null for the whole image. */
  region: Region | null;
  /** `replace` takes the place of the newest step in the history. */
  onChange: (region: Region | null, options: { replace: boolean }) => void;
}

interface EditorProps extends CropProps {
  /** Applies what keys changed last, without the pause. */
  applyRef: MutableRefObject<() => void>;
}

/** After the last key: each search with a hosted model costs a request. */
const KEY_PAUSE_MS = 400;

/** A button that opens the query's image to choose a part of it. */
export function CropMenu(props: CropProps) {
  const text = useText();
  const applyRef = useRef<() => void>(() => undefined);
  return (
    <Popover.Root
      onOpenChange={(isOpen: boolean) => {
        if (!isOpen) applyRef.current();
      }}
    >
      <Popover.Trigger>
        <OpenButton
          label={text('search.crop.open')}
          variant="ghost"
          type="button"
          $isActive={props.region !== null}
        >
          <CropIcon />
        </OpenButton>
      </Popover.Trigger>
      <Popover.Content align="start" sideOffset={8} aria-label={text('search.crop.open')}>
        <Editor key={props.source} {...props} applyRef={applyRef} />
      </Popover.Content>
    </Popover.Root>
  );
}

function Editor(props: EditorProps) {
  const { onChange, region } = props;
  const text = useText();
  const hint = useId();
  const [isBroken, setIsBroken] = useState(false);
  if (isBroken) {
    return (
      <Box padding={4}>
        <Hint tag="p" role="alert" variant="pi" textColor="neutral600">
          {text('search.crop.unavailable')}
        </Hint>
      </Box>
    );
  }
  return (
    <Flex direction="column" alignItems="stretch" gap={3} padding={4}>
      <CropArea
        {...props}
        hint={hint}
        onError={() => {
          setIsBroken(true);
        }}
      />
      <Hint id={hint} tag="p" variant="pi" textColor="neutral600">
        {text('search.crop.hint')}
      </Hint>
      <Box>
        <Button
          variant="tertiary"
          size="S"
          disabled={region === null}
          onClick={() => {
            onChange(null, { replace: false });
          }}
        >
          {text('search.crop.reset')}
        </Button>
      </Box>
    </Flex>
  );
}

type Gesture =
  | { kind: 'draw'; from: Point }
  | { kind: 'move'; from: Point; region: Region }
  | { kind: 'resize'; corner: Corner; region: Region };

/**
 * The image with the part on it, which pointers and keys change. What they did applies when pointers let go, and when
 * keys rest: many of them are one step in the history.
 */
function CropArea(props: EditorProps & { hint: string; onError: () => void }) {
  const { applyRef, hint, name, onChange, onError, region, source } = props;
  const text = useText();
  const area = useRef<HTMLDivElement>(null);
  const gesture = useRef<Gesture | null>(null);
  /** Whether keys made the newest step of the history. */
  const isKeyed = useRef(false);
  /** While it is being changed. */
  const [draft, setDraft] = useState<Region | null>(null);
  const shown = draft ?? region ?? WHOLE;
  const description = useDescription(shown);
  const apply = (): void => {
    const byKeys = gesture.current === null;
    gesture.current = null;
    setDraft(null);
    if (draft === null) return;
    const next = roundedRegion(draft);
    onChange(isWhole(next) ? null : next, { replace: byKeys && isKeyed.current });
    isKeyed.current = byKeys;
  };
  useEffect(() => {
    applyRef.current = apply;
  });
  useEffect(() => {
    if (draft === null || gesture.current !== null) return undefined;
    const timer = setTimeout(() => {
      if (gesture.current === null) applyRef.current();
    }, KEY_PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [applyRef, draft]);
  const start = (event: PointerEvent, begun: Gesture): void => {
    if (event.button !== 0) return;
    event.stopPropagation();
    apply();
    area.current?.setPointerCapture(event.pointerId);
    gesture.current = begun;
  };
  const pointOf = ({ clientX, clientY }: PointerEvent): Point => {
    const box = area.current?.getBoundingClientRect();
    if (!box) return { x: 0, y: 0 };
    return { x: (clientX - box.left) / box.width, y: (clientY - box.top) / box.height };
  };
  const follow = (event: PointerEvent): void => {
    if (gesture.current === null) return;
    setDraft(regionAfter(gesture.current, pointOf(event)));
  };
  const pressed = (event: KeyboardEvent): void => {
    const direction = directions[event.key];
    if (!direction) return;
    event.preventDefault();
    setDraft(event.shiftKey ? stretchedRegion(shown, direction) : movedRegion(shown, direction));
  };
  return (
    <Area
      ref={area}
      data-testid="crop-area"
      onPointerDown={(event) => {
        start(event, { kind: 'draw', from: pointOf(event) });
      }}
      onPointerMove={follow}
      onPointerUp={apply}
      onPointerCancel={() => {
        gesture.current = null;
        setDraft(null);
      }}
    >
      <Whole src={source} alt={name} draggable={false} onError={onError} />
      <Part
        role="application"
        tabIndex={0}
        aria-roledescription={text('search.crop.part')}
        aria-label={description}
        aria-describedby={hint}
        $isMovable={region !== null}
        style={{
          left: percent(shown.x),
          top: percent(shown.y),
          width: percent(shown.width),
          height: percent(shown.height),
        }}
        onPointerDown={(event) => {
          // The whole image can't be moved: a part of it is drawn.
          if (region !== null) start(event, { kind: 'move', from: pointOf(event), region: shown });
        }}
        onKeyDown={pressed}
        onBlur={() => {
          // A pointer that begins to draw takes the focus away.
          if (gesture.current === null) apply();
        }}
      >
        {CORNERS.map((corner) => (
          <Handle
            key={corner}
            $corner={corner}
            onPointerDown={(event) => {
              start(event, { kind: 'resize', corner, region: shown });
            }}
          />
        ))}
      </Part>
      <VisuallyHidden role="status">{draft === null ? description : ''}</VisuallyHidden>
    </Area>
  );
}

/** In steps of the keyboard. */
const directions: Partial<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

function regionAfter(gesture: Gesture, to: Point): Region | null {
  switch (gesture.kind) {
    case 'draw':
      return drawnRegion(gesture.from, to);
    case 'move': {
      const { from, region } = gesture;
      return movedRegion(region, { x: to.x - from.x, y: to.y - from.y }, 1);
    }
    case 'resize':
      return resizedRegion(gesture.region, gesture.corner, to);
  }
}

function useDescription(region: Region): string {
  const text = useText();
  const formats = useFormats();
  if (isWhole(region)) return text('search.crop.whole');
  return text('search.crop.value', {
    width: formats.percent(region.width),
    height: formats.percent(region.height),
    left: formats.percent(region.x),
    top: formats.percent(region.y),
  });
}

function percent(share: number): string {
  return `${String(100 * share)}%`;
}

const OpenButton = styled<typeof IconButton>(IconButton)<{ $isActive: boolean }>`
  width: 2.4rem;
  height: 2.4rem;
  padding: 0;
  ${({ $isActive, theme }) => $isActive && `background: ${theme.colors.primary200};`}
`;

const Hint = styled<typeof Typography>(Typography)`
  max-width: min(36rem, calc(100vw - 7.2rem));
`;

const Area = styled.div`
  position: relative;
  align-self: center;
  overflow: hidden;
  line-height: 0;
  cursor: crosshair;
  user-select: none;
  touch-action: none;
  border-radius: ${({ theme }) => theme.borderRadius};
`;

const Whole = styled.img`
  max-width: min(36rem, calc(100vw - 7.2rem));
  max-height: 45vh;
  min-width: 8rem;
  min-height: 8rem;
`;

/** The shade around it covers the rest of the image. */
const Part = styled.div<{ $isMovable: boolean }>`
  position: absolute;
  cursor: ${({ $isMovable }) => ($isMovable ? 'move' : 'crosshair')};
  border: 2px solid #fff;
  outline: 1px solid ${({ theme }) => theme.colors.primary600};
  box-shadow: 0 0 0 100vmax rgb(0 0 0 / 55%);
  &:focus-visible {
    border-color: ${({ theme }) => theme.colors.primary600};
    outline: 2px solid #fff;
  }
`;

/** As large as a fingertip needs; only its middle is drawn. */
const Handle = styled.div<{ $corner: Corner }>`
  position: absolute;
  width: 2.8rem;
  height: 2.8rem;
  ${({ $corner }) => ($corner.includes('top') ? 'top: -1.4rem;' : 'bottom: -1.4rem;')}
  ${({ $corner }) => ($corner.includes('left') ? 'left: -1.4rem;' : 'right: -1.4rem;')}
  cursor: ${({ $corner }) =>
    $corner === 'top-left' || $corner === 'bottom-right' ? 'nwse-resize' : 'nesw-resize'};
  &::after {
    content: '';
    position: absolute;
    inset: 0.7rem;
    background: #fff;
    border: 2px solid ${({ theme }) => theme.colors.primary600};
    border-radius: 50%;
  }
`;
