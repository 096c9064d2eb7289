import { VisuallyHidden } from '@strapi/design-system';
import { keyframes, styled } from 'styled-components';
import { useText } from '../../../hooks/text';

/** Width by height, as images come. */
const RATIOS = [1.5, 1, 1.33, 0.75, 1.78, 1, 1.5, 0.67, 1.33, 1.5, 1, 1.78, 0.75, 1.33, 1];
const HEIGHT = '20rem';

/** Stands for the images of a search that hasn't been answered yet. */
export function Skeletons() {
  const text = useText();
  return (
    <div aria-busy>
      <VisuallyHidden role="status">{text('search.results.searching')}</VisuallyHidden>
      <Tiles aria-hidden>
        {RATIOS.map((ratio, index) => (
          <Tile
            key={index}
            style={{ flex: `${String(ratio)} 1 calc(${HEIGHT} * ${String(ratio)})` }}
          />
        ))}
      </Tiles>
    </div>
  );
}

const Tiles = styled.div`
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  max-height: calc(3 * ${HEIGHT} + 16px);
  overflow: hidden;
`;

const pulse = keyframes`
  50% {
    opacity: 0.5;
  }
`;

const Tile = styled.div`
  height: ${HEIGHT};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  @media (prefers-reduced-motion: no-preference) {
    animation: ${pulse} 1.6s ease-in-out infinite;
  }
`;
