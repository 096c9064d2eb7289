import { Box, Flex, Link, Typography } from '@strapi/design-system';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import { duplicatesAddress } from '../../api/addresses';
import { Picture } from '../../components/picture';
import { useFileDuplicates } from '../../hooks/file-duplicates';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useText } from '../../hooks/text';

const THUMBNAIL = 48;

/** Files that were found to be duplicates of this one; nothing when there are none, or none may be seen. */
export function DrawerDuplicates({ fileId }: { fileId: number }) {
  const text = useText();
  const duplicates = useFileDuplicates(fileId);
  const { may } = useImageSearchPermissions();
  if (duplicates.length === 0) return null;
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography tag="h3" variant="sigma" textColor="neutral600">
        {text('search.details.duplicates')}
      </Typography>
      {duplicates.map(({ file, pair }) => (
        <Flex key={pair.id} gap={3}>
          <Thumbnail>
            <Picture asset={file} width={THUMBNAIL} alternativeText="" />
          </Thumbnail>
          <Box minWidth={0}>
            {may.duplicates ? (
              <Link tag={NavLink} to={duplicatesAddress(pair.id)}>
                {file.name}
              </Link>
            ) : (
              <Typography tag="p" ellipsis>
                {file.name}
              </Typography>
            )}
            <Typography variant="pi" textColor="neutral600">
              {text(`search.details.${pair.kind}`)}
            </Typography>
          </Box>
        </Flex>
      ))}
    </Flex>
  );
}

const Thumbnail = styled(Box)`
  flex: none;
  width: ${String(THUMBNAIL)}px;
  height: ${String(THUMBNAIL)}px;
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
`;
