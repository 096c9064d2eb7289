import { Box, Button, Flex, Typography } from '@strapi/design-system';
import { ArrowsHorizontal, Play, Stop } from '@strapi/icons';
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import type { Pair } from '../../../api/duplicates';
import { useFormats } from '../../../hooks/formats';
import { useText } from '../../../hooks/text';
import { isCrop, type Alignment } from './evidence';
import { describeImage, Frame, PairImage, shapeOf, useSharpUrl, type ShownPair } from './pair';

const views = { sideBySide: SideBySide, swipe: Swipe, blink: Blink } as const;

type View = keyof typeof views;

const viewNames: readonly View[] = ['sideBySide', 'swipe', 'blink'];

/** Two images side by side, under a divider or blinking; the chosen view stays from group to group. */
export function Comparison(shown: ShownPair) {
  const text = useText();
  const [view, setView] = useState<View>('sideBySide');
  const Chosen = views[view];
  return (
    <Flex direction="column" alignItems="stretch" gap={3}>
      <Flex justifyContent="center">
        <Segments role="group" aria-label={text('duplicates.view')}>
          {viewNames.map((name) => (
            <Segment
              key={name}
              type="button"
              aria-pressed={name === view}
              onClick={() => {
                setView(name);
              }}
            >
              {text(`duplicates.view.${name}`)}
            </Segment>
          ))}
        </Segments>
      </Flex>
      <Chosen key={shown.pair.id} {...shown} />
    </Flex>
  );
}

/** Two images beside each other, with outlines of what differs; if one is a crop, its area is outlined in the other. */
function SideBySide({ left, right, pair }: ShownPair) {
  const { alignment } = pair.evidence;
  return (
    <Images>
      {[left, right].map((file) => (
        <Cell key={file.id}>
          <Framed file={file}>
            {alignment && alignment.innerFileId !== file.id && isCrop(alignment) && (
              <Outline alignment={alignment} />
            )}
            {(pair.evidence.differences ?? [])
              .filter(({ fileId }) => fileId === file.id)
              .map((box) => (
                <Difference key={`${String(box.left)} ${String(box.top)}`} style={placed(box)} />
              ))}
          </Framed>
        </Cell>
      ))}
    </Images>
  );
}

function Framed({ file, children }: { file: Asset; children: ReactNode }) {
  return (
    <Frame $shape={shapeOf(file)}>
      <PairImage src={useSharpUrl(file)} alt={describeImage(file)} decoding="async" />
      {children}
    </Frame>
  );
}

function Outline({ alignment: { region, isMirrored } }: { alignment: Alignment }) {
  const text = useText();
  return (
    <Region style={placed(region)}>
      <Label>
        <Typography variant="pi" textColor="neutral0">
          {text(isMirrored ? 'duplicates.outline.mirrored' : 'duplicates.outline')}
        </Typography>
      </Label>
    </Region>
  );
}

const STEPS = 100;

/** Two images on top of each other with a divider to drag, or to move with the arrow keys. */
function Swipe(shown: ShownPair) {
  const text = useText();
  const formats = useFormats();
  const [place, setPlace] = useState(STEPS / 2);
  const part = place / STEPS;
  return (
    <Overlay {...shown} from={part}>
      <Divider
        type="range"
        min={0}
        max={STEPS}
        value={place}
        aria-label={text('duplicates.swipe.divider')}
        aria-valuetext={text('duplicates.swipe.value', { share: formats.percent(part) })}
        onChange={({ target }) => {
          setPlace(target.valueAsNumber);
        }}
      />
      <Line style={{ left: percent(part) }} aria-hidden>
        <Handle />
      </Line>
    </Overlay>
  );
}

/** Well below three flashes a second, which can cause seizures (WCAG 2.3.1). */
const CHANGE_EVERY_MS = 700;

/** Two images in the same place, one after the other, so that differences jump out. Paused for reduced motion. */
function Blink(shown: ShownPair) {
  const text = useText();
  const prefersReducedMotion = useReducedMotion();
  const [isRunning, setRunning] = useState(!prefersReducedMotion);
  const [showsRight, setShowsRight] = useState(false);
  const change = (): void => {
    setShowsRight((before) => !before);
  };
  useEffect(() => {
    if (!isRunning) return;
    const timer = window.setInterval(change, CHANGE_EVERY_MS);
    return () => {
      window.clearInterval(timer);
    };
  }, [isRunning]);
  const seen = showsRight ? shown.right : shown.left;
  return (
    <Flex direction="column" alignItems="stretch" gap={3}>
      <Overlay {...shown} from={showsRight ? 0 : 1} />
      <Flex justifyContent="center" gap={3} wrap="wrap">
        <Button
          size="S"
          variant="tertiary"
          startIcon={isRunning ? <Stop /> : <Play />}
          onClick={() => {
            setRunning(!isRunning);
          }}
        >
          {text(isRunning ? 'duplicates.blink.stop' : 'duplicates.blink.start')}
        </Button>
        <Button size="S" variant="tertiary" startIcon={<ArrowsHorizontal />} onClick={change}>
          {text('duplicates.blink.change')}
        </Button>
        <Typography variant="pi" textColor="neutral600">
          {text(showsRight ? 'duplicates.blink.right' : 'duplicates.blink.left', {
            name: seen.name,
          })}
        </Typography>
      </Flex>
    </Flex>
  );
}

const reducedMotionQuery = '(prefers-reduced-motion: reduce)';

function useReducedMotion(): boolean {
  return useSyncExternalStore(
    subscribeToMotion,
    () => window.matchMedia(reducedMotionQuery).matches,
  );
}

function subscribeToMotion(notify: () => void): () => void {
  const list = window.matchMedia(reducedMotionQuery);
  list.addEventListener('change', notify);
  return () => {
    list.removeEventListener('change', notify);
  };
}

interface OverlayProps extends ShownPair {
  /** Where the right image begins to cover the left one, as a share of the width, 0 to 1. */
  from: number;
  children?: ReactNode;
}

/** Two images on top of each other, aligned by what they show. */
function Overlay({ left, right, pair, from, children }: OverlayProps) {
  const outer = outerOf(left, right, pair);
  return (
    <Frame $shape={shapeOf(outer)}>
      {[left, right].map((file) => {
        const isUnder = file.id === left.id;
        return (
          <Layer
            key={file.id}
            data-layer={isUnder ? 'left' : 'right'}
            style={{
              clipPath: isUnder
                ? `inset(0 ${percent(1 - from)} 0 0)`
                : `inset(0 0 0 ${percent(from)})`,
            }}
          >
            <Placed file={file} outer={outer} alignment={pair.evidence.alignment} />
          </Layer>
        );
      })}
      {children}
    </Frame>
  );
}

const WHOLE: Omit<Alignment, 'innerFileId'> = {
  region: { left: 0, top: 0, width: 1, height: 1 },
  isMirrored: false,
};

function Placed({
  file,
  outer,
  alignment,
}: {
  file: Asset;
  outer: Asset;
  alignment: Alignment | undefined;
}) {
  const isPlaced = alignment?.innerFileId === file.id;
  const { degrees = 0, isMirrored, quarterTurns = 0, region } = isPlaced ? alignment : WHOLE;
  const turn = 90 * quarterTurns + degrees;
  const box = quarterTurns % 2 === 1 ? sideways(region, outer) : region;
  return (
    <Stretched
      src={useSharpUrl(file)}
      alt={describeImage(file)}
      style={{
        ...placed(box),
        ...((isMirrored || turn !== 0) && {
          transform: `rotate(${String(turn)}deg) scaleX(${isMirrored ? '-1' : '1'})`,
        }),
      }}
    />
  );
}

/** The box that covers a region once it is turned by a quarter about its center. */
function sideways(region: Alignment['region'], outer: Asset): Alignment['region'] {
  const aspect = (outer.width ?? 1) / (outer.height ?? 1);
  const [width, height] = [region.height / aspect, region.width * aspect];
  return {
    left: region.left + (region.width - width) / 2,
    top: region.top + (region.height - height) / 2,
    width,
    height,
  };
}

/** A box of fractions as CSS. */
function placed({ height, left, top, width }: Alignment['region']) {
  return {
    left: percent(left),
    top: percent(top),
    width: percent(width),
    height: percent(height),
  };
}

/** The image that shows more, or the larger one if both show the same. */
function outerOf(left: Asset, right: Asset, { evidence: { alignment } }: Pair): Asset {
  if (alignment) return alignment.innerFileId === left.id ? right : left;
  return (left.width ?? 0) >= (right.width ?? 0) ? left : right;
}

function percent(part: number): string {
  return `${String(part * 100)}%`;
}

const Difference = styled.div`
  position: absolute;
  pointer-events: none;
  outline: 2px dashed ${({ theme }) => theme.colors.danger500};
`;

const Segments = styled.div`
  display: inline-flex;
  padding: 2px;
  gap: 2px;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
`;

const Segment = styled.button`
  padding: ${({ theme }) => `${theme.spaces[1]} ${theme.spaces[3]}`};
  border: 0;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: none;
  color: ${({ theme }) => theme.colors.neutral700};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
  cursor: pointer;
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 1px;
  }
  &[aria-pressed='true'] {
    background: ${({ theme }) => theme.colors.neutral0};
    box-shadow: ${({ theme }) => theme.shadows.filterShadow};
    color: ${({ theme }) => theme.colors.neutral800};
  }
`;

const Images = styled(Box)`
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: ${({ theme }) => theme.spaces[4]};
`;

const Cell = styled(Flex)`
  min-width: 0;
`;

const Region = styled.div`
  position: absolute;
  border: 2px solid ${({ theme }) => theme.colors.primary500};
  // Visible on light and on dark images.
  box-shadow:
    0 0 0 1px rgb(255 255 255 / 80%),
    0 0 0 100vmax rgb(0 0 0 / 40%);
`;

const Label = styled.span`
  position: absolute;
  left: 0;
  bottom: 0;
  padding: 0 ${({ theme }) => theme.spaces[1]};
  background: rgb(24 24 38 / 80%);
  & > span {
    color: #fff;
  }
`;

const Divider = styled.input`
  position: absolute;
  inset: 0;
  width: 100%;
  height: 100%;
  margin: 0;
  opacity: 0;
  cursor: ew-resize;
`;

const Line = styled.div`
  position: absolute;
  top: 0;
  bottom: 0;
  width: 2px;
  margin-left: -1px;
  background: #fff;
  box-shadow: 0 0 0 1px rgb(0 0 0 / 35%);
  pointer-events: none;
`;

const Handle = styled.span`
  position: absolute;
  top: 50%;
  left: 50%;
  width: 3.2rem;
  height: 3.2rem;
  border-radius: 50%;
  background: #fff;
  box-shadow: 0 1px 4px rgb(0 0 0 / 45%);
  transform: translate(-50%, -50%);
  &::before {
    content: '‹ ›';
    display: grid;
    place-items: center;
    height: 100%;
    color: #32324d;
    font-size: 1.6rem;
  }
  ${Divider}:focus-visible + ${Line} > & {
    outline: 3px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;

const Layer = styled.div`
  position: absolute;
  inset: 0;
`;

const Stretched = styled(PairImage)`
  position: absolute;
  object-fit: fill;
`;
