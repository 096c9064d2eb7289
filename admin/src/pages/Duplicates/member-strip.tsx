import { Flex, IconButton, Typography } from '@strapi/design-system';
import { Cross } from '@strapi/icons';
import { styled } from 'styled-components';
import { thumbnailUrl, type Asset } from '../../api/asset';
import { useText } from '../../hooks/text';

interface MemberStripProps {
  /** Of a group, the one that it stands for first. */
  files: readonly Asset[];
  rightId: number;
  onCompare: (file: Asset) => void;
  /** Missing where nothing can be left out. */
  onLeaveOut: ((file: Asset) => void) | undefined;
}

/** The files of a group of more than two: which one is compared with the first, which one does not belong to it. */
export function MemberStrip({ files, rightId, onCompare, onLeaveOut }: MemberStripProps) {
  const text = useText();
  const [, ...others] = files;
  if (others.length < 2) return null;
  return (
    <Flex gap={3} wrap="wrap" role="group" aria-label={text('duplicates.members')}>
      <Typography variant="pi" textColor="neutral600">
        {text('duplicates.members.compare')}
      </Typography>
      {others.map((file) => (
        <Flex key={file.id} gap={1}>
          <Member
            type="button"
            aria-pressed={file.id === rightId}
            aria-label={file.name}
            title={file.name}
            onClick={() => {
              onCompare(file);
            }}
          >
            <img src={thumbnailUrl(file)} alt="" />
          </Member>
          {onLeaveOut && (
            <IconButton
              size="XS"
              variant="ghost"
              label={text('duplicates.members.leaveOut', { name: file.name })}
              onClick={() => {
                onLeaveOut(file);
              }}
            >
              <Cross />
            </IconButton>
          )}
        </Flex>
      ))}
    </Flex>
  );
}

const Member = styled.button`
  padding: 2px;
  border: 2px solid transparent;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: none;
  cursor: pointer;
  & > img {
    display: block;
    width: 4.8rem;
    height: 4.8rem;
    border-radius: 2px;
    object-fit: cover;
  }
  &[aria-pressed='true'] {
    border-color: ${({ theme }) => theme.colors.primary600};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;
