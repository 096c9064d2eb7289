import { css, styled } from 'styled-components';
import { absoluteUrl, type Asset } from '../../api/asset';

/** Pixels from which a smaller copy is sharp enough to be compared on a screen. */
const SHARP = 1_000;
const UNKNOWN_SHAPE = 4 / 3;

/** The smallest copy that is sharp enough, or else the picture itself. */
export function sharpUrl({ formats, url }: Asset): string {
  const [copy] = Object.values(formats ?? {})
    .filter(({ width, height }) => Math.max(width ?? 0, height ?? 0) >= SHARP)
    .sort((one, other) => (one.width ?? 0) - (other.width ?? 0));
  return absoluteUrl(copy?.url ?? url);
}

/** Width by height. */
export function shapeOf({ width, height }: Asset): number {
  return width && height ? width / height : UNKNOWN_SHAPE;
}

/** What a picture is called by those who cannot see it. */
export function describePicture({ name, alternativeText }: Asset): string {
  return alternativeText ? `${name}: ${alternativeText}` : name;
}

const highestPicture = '40vh';

/** Shows where a picture lets the ground through. */
const chequered = css`
  background: repeating-conic-gradient(
      ${({ theme }) => theme.colors.neutral150} 0% 25%,
      ${({ theme }) => theme.colors.neutral100} 0% 50%
    )
    50% / 20px 20px;
`;

/** As large as fits, in the picture's shape. */
export const Frame = styled.div<{ $shape: number }>`
  position: relative;
  width: min(100%, calc(${highestPicture} * ${({ $shape }) => $shape}));
  aspect-ratio: ${({ $shape }) => $shape};
  margin-inline: auto;
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  ${chequered}
`;

export const Picture = styled.img`
  display: block;
  width: 100%;
  height: 100%;
  object-fit: contain;
  user-select: none;
`;
