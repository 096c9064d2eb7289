import { Badge, Box, Button, Flex, Link } from '@strapi/design-system';
import { Search } from '@strapi/icons';
import { createPortal } from 'react-dom';
import { NavLink, useNavigate } from 'react-router-dom';
import { styled } from 'styled-components';
import { QueryProvider } from '../components/query-provider';
import { useDrawerHost } from './drawer-host';
import { useFileDuplicates } from '../hooks/file-duplicates';
import { usePanelSettings } from '../hooks/panel-settings';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { duplicatesAddress, similarAddress } from '../api/addresses';

/** “Find similar” and how many duplicates there are, within the details that the Media Library shows of a picture. */
export default function MediaLibraryDetails({ fileId }: { fileId: number }) {
  return (
    <QueryProvider>
      <Details fileId={fileId} />
    </QueryProvider>
  );
}

function Details({ fileId }: { fileId: number }) {
  const settings = usePanelSettings();
  const { may } = useImageSearchPermissions();
  const host = useDrawerHost();
  if (!settings?.mediaLibrary || host === null || !(may.search || may.duplicates)) return null;
  return createPortal(
    <Strip padding={3} background="neutral0">
      <Flex gap={3} justifyContent="space-between" wrap="wrap">
        {may.search && <FindSimilar fileId={fileId} />}
        <Duplicates fileId={fileId} isLinked={may.duplicates} />
      </Flex>
    </Strip>,
    host,
  );
}

function FindSimilar({ fileId }: { fileId: number }) {
  const text = useText();
  const navigate = useNavigate();
  return (
    <Button
      variant="tertiary"
      startIcon={<Search />}
      onClick={() => {
        navigate(similarAddress(fileId));
      }}
    >
      {text('widgets.findSimilar')}
    </Button>
  );
}

function Duplicates({ fileId, isLinked }: { fileId: number; isLinked: boolean }) {
  const text = useText();
  const [newest, ...others] = useFileDuplicates(fileId);
  if (!newest) return null;
  const label = text('widgets.duplicates', { count: others.length + 1 });
  // Strapi's badge for warnings is hard to read in this size.
  const badge = (
    <Badge backgroundColor="warning100" textColor="neutral800">
      {label}
    </Badge>
  );
  if (!isLinked) return badge;
  return (
    <Link tag={NavLink} to={duplicatesAddress(newest.pair.id)}>
      {badge}
    </Link>
  );
}

const Strip = styled(Box)`
  border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
`;
