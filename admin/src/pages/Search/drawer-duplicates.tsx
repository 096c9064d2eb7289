import { Box, Flex, Typography } from '@strapi/design-system';
import { useQuery } from '@tanstack/react-query';
import { styled } from 'styled-components';
import { fetchFileDuplicates } from '../../api/duplicates';
import { Picture } from '../../components/picture';
import { useText } from '../../hooks/text';

const THUMBNAIL = 48;

/** Files that were found to be duplicates of this one; nothing when there are none, or none may be seen. */
export function DrawerDuplicates({ fileId }: { fileId: number }) {
  const text = useText();
  const { data: duplicates = [] } = useQuery({
    queryKey: ['file-duplicates', fileId],
    queryFn: ({ signal }) => fetchFileDuplicates(fileId, signal),
  });
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
            <Typography tag="p" ellipsis>
              {file.name}
            </Typography>
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
