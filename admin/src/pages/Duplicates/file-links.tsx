import { Box, Flex, Typography } from '@strapi/design-system';
import { ExternalLink } from '@strapi/icons';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import { mediaLibraryAddress } from '../../api/addresses';
import { useText } from '../../hooks/text';
import type { ShownPair } from './shown-pair';

/** The names of the two files, which lead to them in the Media Library. */
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
