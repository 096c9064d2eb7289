import { Box, Flex, IconButton, Link, Typography } from '@strapi/design-system';
import { ArrowClockwise, File } from '@strapi/icons';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import type { GivenUpPicture } from '../../api/management';
import { Picture } from '../../components/picture';
import { reasonOf } from '../../hooks/failure-reason';
import { useIndexActions } from '../../hooks/index-actions';
import { useText } from '../../hooks/text';
import { mediaLibraryAddress } from '../../api/addresses';

const THUMBNAIL_PX = 56;

/** One picture that was given up: which, why, and a way to mend it. */
export function GivenUpRow({ picture: { entry, asset } }: { picture: GivenUpPicture }) {
  const text = useText();
  const { retry } = useIndexActions();
  const name = asset?.name ?? text('index.givenUp.fileNumber', { id: entry.fileId });
  return (
    <Row tag="li" gap={4} paddingTop={3} paddingBottom={3} alignItems="center">
      <Thumbnail background="neutral100" hasRadius>
        {asset ? (
          <Picture asset={asset} width={THUMBNAIL_PX} alternativeText="" />
        ) : (
          <File aria-hidden fill="neutral500" />
        )}
      </Thumbnail>
      <Box flex="1" minWidth={0}>
        {asset ? (
          <Link tag={NavLink} to={mediaLibraryAddress(entry.fileId)}>
            {name}
          </Link>
        ) : (
          <Typography fontWeight="semiBold">{name}</Typography>
        )}
        <Typography tag="p" textColor="neutral800">
          {text(reasonOf(entry.error?.code))}
        </Typography>
        {entry.error && (
          <Typography
            tag="p"
            variant="pi"
            textColor="neutral600"
            style={{ overflowWrap: 'anywhere' }}
          >
            {entry.error.message}
          </Typography>
        )}
      </Box>
      <IconButton
        label={text('index.givenUp.retry', { name })}
        disabled={retry.isPending}
        onClick={() => {
          retry.mutate([entry.fileId]);
        }}
      >
        <ArrowClockwise />
      </IconButton>
    </Row>
  );
}

const Row = styled(Flex)`
  border-bottom: 1px solid ${({ theme }) => theme.colors.neutral150};
  &:last-child {
    border-bottom: 0;
    padding-bottom: 0;
  }
`;

const Thumbnail = styled(Flex)`
  flex: 0 0 auto;
  justify-content: center;
  width: ${THUMBNAIL_PX}px;
  height: ${THUMBNAIL_PX}px;
  overflow: hidden;
`;
