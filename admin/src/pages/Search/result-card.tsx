import { Checkbox } from '@strapi/design-system';
import { ThumbDown, ThumbUp } from '@strapi/icons';
import { useEffect, useRef } from 'react';
import { styled } from 'styled-components';
import type { SearchHit } from '../../api/search';
import { Picture, nameOf } from '../../components/picture';
import { useText } from '../../hooks/text';

export interface ResultActions {
  onOpen: (index: number) => void;
  onToggle: (id: number) => void;
  onExample: (side: 'like' | 'unlike', id: number) => void;
}

interface ResultCardProps extends ResultActions {
  hit: SearchHit;
  /** From 0, the best. */
  index: number;
  /** Of the page's results, and -1 while it is not known. */
  count: number;
  width: number;
  height: number;
  /** How good it is among those shown, 0 to 1. */
  strength: number;
  isSelected: boolean;
  /** Whether something is selected: then all can be without pointing at them. */
  isSelecting: boolean;
  /** One result is in the page's order of focus; the arrow keys go from there. */
  isReachable: boolean;
  takesFocus: boolean;
  onFocus: (index: number) => void;
}

const SCORE_DIGITS = 3;

/** One result: its picture, and what can be done with it while it is pointed at or focused. */
export function ResultCard(props: ResultCardProps) {
  const { hit, index, count, width, height, strength, isReachable, takesFocus } = props;
  const { isSelected, isSelecting, onOpen, onFocus } = props;
  const text = useText();
  const button = useRef<HTMLButtonElement>(null);
  const name = nameOf(hit.file);

  useEffect(() => {
    if (takesFocus) button.current?.focus({ preventScroll: true });
  }, [takesFocus]);

  return (
    <Card
      role="listitem"
      aria-setsize={count}
      aria-posinset={index + 1}
      $isSelected={isSelected}
      style={{ width, height }}
      onFocus={() => {
        onFocus(index);
      }}
    >
      <Opener
        ref={button}
        type="button"
        data-result={hit.file.id}
        tabIndex={isReachable ? 0 : -1}
        aria-label={text('search.result.open', { name })}
        onClick={() => {
          onOpen(index);
        }}
      >
        <Picture asset={hit.file} width={width} alternativeText="" />
      </Opener>
      <CardActions {...props} name={name} isShown={isSelecting} />
      <Score aria-hidden>{hit.score.toFixed(SCORE_DIGITS)}</Score>
      <Band style={{ width: `${String(Math.round(strength * 100))}%` }} />
    </Card>
  );
}

/** Of plain elements where they do: there are three for each of a hundred results, which are to be there at once. */
function CardActions(props: ResultCardProps & { name: string; isShown: boolean }) {
  const { hit, name, isShown, isReachable, isSelected, onToggle, onExample } = props;
  const text = useText();
  const { id } = hit.file;
  const tabIndex = isReachable ? 0 : -1;
  return (
    <>
      <Corner $side="left" data-shown={isShown || isSelected}>
        <Tick>
          <Checkbox
            tabIndex={tabIndex}
            checked={isSelected}
            aria-label={text('search.result.select', { name })}
            onCheckedChange={() => {
              onToggle(id);
            }}
          />
        </Tick>
      </Corner>
      <Corner $side="right">
        {(['like', 'unlike'] as const).map((side) => {
          const label = text(`search.result.${side}`);
          return (
            <Action
              key={side}
              type="button"
              tabIndex={tabIndex}
              title={label}
              aria-label={label}
              onClick={() => {
                onExample(side, id);
              }}
            >
              {side === 'like' ? <ThumbUp aria-hidden /> : <ThumbDown aria-hidden />}
            </Action>
          );
        })}
      </Corner>
    </>
  );
}

const Corner = styled.div<{ $side: 'left' | 'right' }>`
  position: absolute;
  top: ${({ theme }) => theme.spaces[2]};
  ${({ $side, theme }) => `${$side}: ${theme.spaces[2]};`}
  display: flex;
  gap: ${({ theme }) => theme.spaces[1]};
`;

const Tick = styled.div`
  padding: ${({ theme }) => theme.spaces[1]};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
`;

const Action = styled.button`
  display: inline-flex;
  padding: 0.3rem;
  cursor: pointer;
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
  color: ${({ theme }) => theme.colors.neutral600};
  &:hover {
    color: ${({ theme }) => theme.colors.primary600};
    background: ${({ theme }) => theme.colors.primary100};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
  svg {
    width: 1.4rem;
    height: 1.4rem;
  }
`;

const Score = styled.div`
  position: absolute;
  right: ${({ theme }) => theme.spaces[2]};
  bottom: ${({ theme }) => theme.spaces[3]};
  padding: 0 ${({ theme }) => theme.spaces[1]};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral800};
  color: ${({ theme }) => theme.colors.neutral0};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
  pointer-events: none;
`;

const Band = styled.div`
  position: absolute;
  left: 0;
  bottom: 0;
  height: 3px;
  background: ${({ theme }) => theme.colors.primary600};
  opacity: 0.55;
  pointer-events: none;
`;

const Opener = styled.button`
  display: block;
  width: 100%;
  height: 100%;
  padding: 0;
  cursor: pointer;
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
    border-radius: ${({ theme }) => theme.borderRadius};
  }
`;

const Card = styled.div<{ $isSelected: boolean }>`
  position: relative;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  box-shadow: ${({ theme, $isSelected }) =>
    $isSelected ? `0 0 0 3px ${theme.colors.primary600}` : 'none'};

  img,
  ${Opener} {
    border-radius: inherit;
  }

  &:not(:hover, :focus-within) ${Score} {
    display: none;
  }
  @media (hover: hover) {
    &:not(:hover, :focus-within) ${Corner}:not([data-shown='true']) {
      opacity: 0;
    }
  }
  &:hover ${Band} {
    opacity: 1;
  }
`;
