import { Checkbox, VisuallyHidden } from '@strapi/design-system';
import { ThumbDown, ThumbUp } from '@strapi/icons';
import { useEffect, useRef } from 'react';
import { styled } from 'styled-components';
import type { SearchHit } from '../../../api/search';
import { fitInto, FileImage, nameOf } from '../../../components/file-image';
import { MarkedText } from '../../../components/marked-text';
import { useText } from '../../../hooks/text';
import { useViewText } from '../../../hooks/view-text';

export interface ResultActions {
  onOpen: (index: number) => void;
  /** @param isRange whether everything since the last one is meant, too */
  onToggle: (id: number, isRange: boolean) => void;
  onExample: (side: 'like' | 'unlike', id: number) => void;
  /** What a click on the image does. */
  opens?: 'details' | 'select';
}

interface ResultCardProps extends ResultActions {
  hit: SearchHit;
  /** The rank, from 0 for the best match. */
  index: number;
  /** The number of results; -1 while more can be loaded. */
  count: number;
  width: number;
  height: number;
  isOpen: boolean;
  isSelected: boolean;
  /** Whether any result is selected; the checkboxes are then always visible. */
  isSelecting: boolean;
  /** Whether this is the one result in the tab order. */
  isTabStop: boolean;
  /** Whether the arrow keys have just moved the focus here. */
  takesFocus: boolean;
  onFocus: (index: number) => void;
}

/** One result: its image, and actions that appear on hover and focus. */
export function ResultCard(props: ResultCardProps) {
  const { hit, index, count, width, height, isTabStop, takesFocus } = props;
  const { view } = hit;
  const { isOpen, isSelected, isSelecting, opens, onOpen, onToggle, onFocus } = props;
  const text = useText();
  const button = useRef<HTMLButtonElement>(null);
  const name = nameOf(hit.file);
  const shown = useViewText()(hit);

  useEffect(() => {
    if (takesFocus) button.current?.focus({ preventScroll: true });
  }, [takesFocus]);

  return (
    <Card
      role="listitem"
      aria-setsize={count}
      aria-posinset={index + 1}
      $isMarked={isSelected || isOpen}
      style={{ width, height }}
      onFocus={() => {
        onFocus(index);
      }}
    >
      <OpenButton
        ref={button}
        type="button"
        data-result={hit.file.id}
        tabIndex={isTabStop ? 0 : -1}
        aria-label={text(opens === 'select' ? 'search.result.select' : 'search.result.open', {
          name,
        })}
        {...(opens === 'select' && { 'aria-pressed': isSelected })}
        onClick={({ shiftKey }) => {
          if (shiftKey || opens === 'select') onToggle(hit.file.id, shiftKey);
          else onOpen(index);
        }}
      >
        <FileImage
          asset={hit.file}
          width={width}
          fit={fitInto(hit.file, width / height)}
          view={view}
          alternativeText=""
        />
      </OpenButton>
      {hit.duplicateCount ? (
        <Copies title={text('search.result.duplicates', { count: hit.duplicateCount })}>
          <span aria-hidden>+{hit.duplicateCount}</span>
          <VisuallyHidden>
            {text('search.result.duplicates', { count: hit.duplicateCount })}
          </VisuallyHidden>
        </Copies>
      ) : null}
      <CardActions {...props} name={name} isShown={isSelecting} />
      <Name aria-hidden>
        {shown === null ? '' : `${shown} · `}
        <MarkedText text={hit.file.name} marks={hit.highlights.name} />
      </Name>
    </Card>
  );
}

/** Uses plain elements where possible: a hundred results have three actions each, and must render fast. */
function CardActions(props: ResultCardProps & { name: string; isShown: boolean }) {
  const { hit, name, isShown, isTabStop, isSelected, onToggle, onExample } = props;
  const text = useText();
  const { id } = hit.file;
  const tabIndex = isTabStop ? 0 : -1;
  return (
    <>
      <Corner $side="left" data-shown={isShown || isSelected}>
        <CheckboxFrame
          // Not `onCheckedChange`, which doesn't say whether Shift is held.
          onClick={({ shiftKey }) => {
            onToggle(id, shiftKey);
          }}
        >
          <Checkbox
            tabIndex={tabIndex}
            checked={isSelected}
            aria-label={text('search.result.select', { name })}
          />
        </CheckboxFrame>
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

const CheckboxFrame = styled.div`
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

const Copies = styled.div`
  position: absolute;
  right: ${({ theme }) => theme.spaces[2]};
  bottom: ${({ theme }) => theme.spaces[2]};
  padding: ${({ theme }) => `${theme.spaces[1]} ${theme.spaces[2]}`};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
`;

const Name = styled.div`
  position: absolute;
  inset: auto 0 0;
  overflow: hidden;
  padding: ${({ theme }) => `${theme.spaces[1]} ${theme.spaces[2]}`};
  border-radius: ${({ theme }) => `0 0 ${theme.borderRadius} ${theme.borderRadius}`};
  background: ${({ theme }) => theme.colors.neutral0};
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[1]};
  text-overflow: ellipsis;
  white-space: nowrap;
  pointer-events: none;
`;

const OpenButton = styled.button`
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

const Card = styled.div<{ $isMarked: boolean }>`
  position: relative;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  box-shadow: ${({ theme, $isMarked }) =>
    $isMarked ? `0 0 0 3px ${theme.colors.primary600}` : 'none'};

  img,
  ${OpenButton} {
    border-radius: inherit;
  }

  &:not(:hover, :focus-within) ${Name} {
    display: none;
  }
  @media (hover: hover) {
    &:not(:hover, :focus-within) ${Corner}:not([data-shown='true']) {
      opacity: 0;
    }
  }
`;
