import { Flex, Typography } from '@strapi/design-system';
import { useEffect, useRef } from 'react';
import { styled } from 'styled-components';
import { thumbnailUrl, type Asset } from '../../api/asset';
import type { Group } from '../../api/duplicates';
import { useText } from '../../hooks/text';
import { describePair } from './evidence';

/** Pictures of a group that its row shows; the others are counted. */
const SHOWN = 2;

interface GroupRowProps {
  group: Group;
  isCurrent: boolean;
  onSelect: () => void;
}

export function GroupRow({ group, isCurrent, onSelect }: GroupRowProps) {
  const text = useText();
  const button = useRef<HTMLButtonElement>(null);
  const { files, pairs } = group;
  const [first, ...others] = files;
  const [pair] = pairs;
  useEffect(() => {
    if (isCurrent) button.current?.scrollIntoView({ block: 'nearest' });
  }, [isCurrent]);
  return (
    <Item>
      <Row
        ref={button}
        type="button"
        aria-current={isCurrent ? 'true' : undefined}
        // One stop for the Tab key; the arrow keys go on from there.
        tabIndex={isCurrent ? 0 : -1}
        onClick={onSelect}
      >
        <Thumbnails files={files} />
        <Flex direction="column" alignItems="stretch" gap={1} minWidth={0} flex="1">
          <Typography ellipsis variant="omega" fontWeight="semiBold" textColor="neutral800">
            {first?.name ?? text('duplicates.fileGone')}
          </Typography>
          <Typography ellipsis variant="pi" textColor="neutral600">
            {pair && text(describePair(pair))}
          </Typography>
          {others.length > 1 && (
            <Typography variant="pi" textColor="neutral600">
              {text('duplicates.files', { count: files.length })}
            </Typography>
          )}
        </Flex>
      </Row>
    </Item>
  );
}

function Thumbnails({ files }: { files: readonly Asset[] }) {
  return (
    <Flex gap={1}>
      {files.slice(0, SHOWN).map((file) => (
        <Thumbnail key={file.id} src={thumbnailUrl(file)} alt="" loading="lazy" decoding="async" />
      ))}
    </Flex>
  );
}

const Item = styled.li`
  content-visibility: auto;
  contain-intrinsic-size: auto 6.4rem;
  & + & {
    border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
  }
`;

const Row = styled.button`
  display: flex;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[3]};
  width: 100%;
  padding: ${({ theme }) => theme.spaces[2]} ${({ theme }) => theme.spaces[3]};
  border: 0;
  border-left: 3px solid transparent;
  background: none;
  text-align: start;
  cursor: pointer;
  &:hover {
    background: ${({ theme }) => theme.colors.neutral100};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: -2px;
  }
  &[aria-current] {
    border-left-color: ${({ theme }) => theme.colors.primary600};
    background: ${({ theme }) => theme.colors.primary100};
  }
`;

const Thumbnail = styled.img`
  width: 4rem;
  height: 4rem;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  object-fit: cover;
`;
