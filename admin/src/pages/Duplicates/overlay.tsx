import { styled } from 'styled-components';
import type { Asset } from '../../api/asset';
import type { Pair } from '../../api/duplicates';
import type { Alignment } from './evidence';
import { describePicture, Frame, Picture, shapeOf, sharpUrl } from './picture';
import { percent } from './side-by-side';
import type { ShownPair } from './shown-pair';
import type { ReactNode } from 'react';

/** How much of the right picture is seen over the left one: from `from` to the right edge, 0 to 1. */
interface OverlayProps extends ShownPair {
  from: number;
  children?: ReactNode;
}

/** Two pictures on each other, each where it shows the same as the other. */
export function Overlay({ left, right, pair, from, children }: OverlayProps) {
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
            <Placed file={file} alignment={pair.evidence.alignment} />
          </Layer>
        );
      })}
      {children}
    </Frame>
  );
}

function Placed({ file, alignment }: { file: Asset; alignment: Alignment | undefined }) {
  const isPlaced = alignment?.innerFileId === file.id;
  const { region, isMirrored } = isPlaced ? alignment : WHOLE;
  return (
    <Stretched
      src={sharpUrl(file)}
      alt={describePicture(file)}
      style={{
        left: percent(region.left),
        top: percent(region.top),
        width: percent(region.width),
        height: percent(region.height),
        ...(isMirrored && { transform: 'scaleX(-1)' }),
      }}
    />
  );
}

const WHOLE = { region: { left: 0, top: 0, width: 1, height: 1 }, isMirrored: false };

/** The one that shows more; the larger one where both show the same. */
function outerOf(left: Asset, right: Asset, { evidence: { alignment } }: Pair): Asset {
  if (alignment) return alignment.innerFileId === left.id ? right : left;
  return (left.width ?? 0) >= (right.width ?? 0) ? left : right;
}

const Layer = styled.div`
  position: absolute;
  inset: 0;
`;

const Stretched = styled(Picture)`
  position: absolute;
  object-fit: fill;
`;
