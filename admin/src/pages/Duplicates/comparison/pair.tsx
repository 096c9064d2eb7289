import { Box, Flex, Typography } from '@strapi/design-system';
import { ExternalLink } from '@strapi/icons';
import { Link } from 'react-router-dom';
import { css, styled } from 'styled-components';
import { absoluteUrl, isShownByBrowsers, type Asset } from '../../../api/asset';
import type { Group, Pair } from '../../../api/duplicates';
import { usePreviewUrl } from '../../../components/file-image';
import { mediaLibraryAddress } from '../../../components/navigation';
import { useText } from '../../../hooks/text';

export type Side = 'left' | 'right';

/** Two files of a group, as they are compared. */
export interface ShownPair {
  left: Asset;
  right: Asset;
  pair: Pair;
}

/**
 * The group's first file and another one.
 *
 * @param otherId the second file when null
 * @returns null when no two files that were compared are left
 */
export function shownPair(group: Group, otherId: number | null): ShownPair | null {
  const [left, ...others] = group.files;
  const right = others.find(({ id }) => id === otherId) ?? others[0];
  if (!left || !right) return null;
  const pair =
    group.pairs.find((one) => joins(one, left.id) && joins(one, right.id)) ??
    group.pairs.find((one) => joins(one, right.id));
  return pair ? { left, right, pair } : null;
}

/** Which file of a pair to show beside the group's first; null when the group has no such pair. */
export function otherOfPair({ files, pairs }: Group, pairId: number | null): number | null {
  const pair = pairs.find(({ id }) => id === pairId);
  if (!pair) return null;
  return pair.fileA === files[0]?.id ? pair.fileB : pair.fileA;
}

/** The pairs of a group that contain a file. */
export function pairsOf(group: Group, fileId: number): Pair[] {
  return group.pairs.filter((pair) => joins(pair, fileId));
}

function joins({ fileA, fileB }: Pair, fileId: number): boolean {
  return fileA === fileId || fileB === fileId;
}

/** Longest side, in pixels, of a copy that is sharp enough to compare on a screen. */
const SHARP = 1_000;

/** The smallest copy that is sharp enough, otherwise the original. */
export function sharpUrl({ formats, url }: Asset): string {
  const [copy] = Object.values(formats ?? {})
    .filter(({ width, height }) => Math.max(width ?? 0, height ?? 0) >= SHARP)
    .sort((one, other) => (one.width ?? 0) - (other.width ?? 0));
  return absoluteUrl(copy?.url ?? url);
}

/** `sharpUrl`, or the preview of a file that browsers don't show; undefined while that is unknown. */
export function useSharpUrl(file: Asset): string | undefined {
  const preview = usePreviewUrl(file, undefined);
  return isShownByBrowsers(file) ? sharpUrl(file) : (preview ?? undefined);
}

const UNKNOWN_SHAPE = 4 / 3;

/** Width divided by height. */
export function shapeOf({ width, height }: Asset): number {
  return width && height ? width / height : UNKNOWN_SHAPE;
}

/** Alternative text for a comparison, where the name matters. */
export function describeImage({ name, alternativeText }: Asset): string {
  return alternativeText ? `${name}: ${alternativeText}` : name;
}

const maxHeight = '40vh';

/** Shows where an image is transparent. */
const checkerboard = css`
  background: repeating-conic-gradient(
      ${({ theme }) => theme.colors.neutral150} 0% 25%,
      ${({ theme }) => theme.colors.neutral100} 0% 50%
    )
    50% / 20px 20px;
`;

/** As large as fits, in the image's aspect ratio. */
export const Frame = styled.div<{ $shape: number }>`
  position: relative;
  width: min(100%, calc(${maxHeight} * ${({ $shape }) => $shape}));
  aspect-ratio: ${({ $shape }) => $shape};
  margin-inline: auto;
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  ${checkerboard}
`;

export const PairImage = styled.img`
  display: block;
  width: 100%;
  height: 100%;
  object-fit: contain;
  user-select: none;
`;

/** Links to both files in the Media Library. */
export function FileLinks({ left, right }: ShownPair) {
  const text = useText();
  return (
    <Columns>
      {[left, right].map(({ id, name }) => (
        <Flex key={id} justifyContent="center" minWidth={0}>
          <LibraryLink
            to={mediaLibraryAddress(id)}
            aria-label={text('duplicates.openFile', { name })}
          >
            <Typography variant="omega" textColor="neutral700" ellipsis>
              {name}
            </Typography>
            <ExternalLink aria-hidden />
          </LibraryLink>
        </Flex>
      ))}
    </Columns>
  );
}

const Columns = styled(Box)`
  display: grid;
  grid-template-columns: 1fr 1fr;
  gap: ${({ theme }) => theme.spaces[4]};
`;

const LibraryLink = styled(Link)`
  display: inline-flex;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[1]};
  min-width: 0;
  border-radius: ${({ theme }) => theme.borderRadius};
  color: ${({ theme }) => theme.colors.neutral600};
  text-decoration: none;
  &:hover span {
    text-decoration: underline;
  }
  & > svg {
    flex-shrink: 0;
    width: 1.2rem;
    height: 1.2rem;
  }
`;
