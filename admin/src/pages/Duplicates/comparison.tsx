import { Flex } from '@strapi/design-system';
import { useState } from 'react';
import { styled } from 'styled-components';
import { useText } from '../../hooks/text';
import { Blink } from './blink';
import { SideBySide } from './side-by-side';
import type { ShownPair } from './shown-pair';
import { Swipe } from './swipe';

const views = { sideBySide: SideBySide, swipe: Swipe, blink: Blink } as const;
type View = keyof typeof views;
const viewNames: readonly View[] = ['sideBySide', 'swipe', 'blink'];

/** Two pictures in the view that is chosen, which stays while one goes through the groups. */
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
