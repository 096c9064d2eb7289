import { Box, Flex, Typography } from '@strapi/design-system';
import { Cross, ThumbDown, ThumbUp } from '@strapi/icons';
import type { ReactNode } from 'react';
import { styled } from 'styled-components';
import { useText } from '../../hooks/text';

interface ExampleChipProps {
  side: 'like' | 'unlike';
  name: string;
  /** Whether to write the name beside the picture. */
  showsName?: boolean;
  picture: ReactNode;
  onRemove: () => void;
}

/** A picture of the query: what shall be found looks like it, or does not. */
export function ExampleChip({
  side,
  name,
  showsName = false,
  picture,
  onRemove,
}: ExampleChipProps) {
  const text = useText();
  const Icon = side === 'like' ? ThumbUp : ThumbDown;
  const said = text(`search.example.${side}`, { name });
  return (
    <Chip $side={side} title={said} tag="li">
      <Icon aria-hidden width="1.2rem" height="1.2rem" />
      <Thumbnail>{picture}</Thumbnail>
      {showsName && (
        <Typography variant="pi" ellipsis maxWidth="12rem" textColor="neutral800">
          {name}
        </Typography>
      )}
      <Remove
        type="button"
        aria-label={text('search.example.remove', { name: said })}
        onClick={onRemove}
      >
        <Cross aria-hidden width="1rem" height="1rem" />
      </Remove>
    </Chip>
  );
}

const Chip = styled(Flex)<{ $side: 'like' | 'unlike' }>`
  flex: none;
  gap: 0.6rem;
  height: 3.2rem;
  padding: 0 0.2rem 0 0.8rem;
  border-radius: ${({ theme }) => theme.borderRadius};
  border: 1px solid
    ${({ theme, $side }) => theme.colors[$side === 'like' ? 'primary200' : 'danger200']};
  background: ${({ theme, $side }) => theme.colors[$side === 'like' ? 'primary100' : 'danger100']};
  color: ${({ theme, $side }) => theme.colors[$side === 'like' ? 'primary700' : 'danger700']};
`;

const Thumbnail = styled(Box)`
  width: 2.4rem;
  height: 2.4rem;
  overflow: hidden;
  border-radius: 2px;
  background: ${({ theme }) => theme.colors.neutral0};
`;

const Remove = styled.button`
  display: flex;
  align-items: center;
  justify-content: center;
  width: 2.4rem;
  height: 2.4rem;
  border-radius: ${({ theme }) => theme.borderRadius};
  color: inherit;
  cursor: pointer;
  &:hover {
    background: ${({ theme }) => theme.colors.neutral0};
  }
`;
