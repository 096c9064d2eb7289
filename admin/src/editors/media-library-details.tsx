import { Badge, Box, Button, Flex, Link } from '@strapi/design-system';
import { Search } from '@strapi/icons';
import { useId } from 'react';
import { createPortal } from 'react-dom';
import { NavLink, useNavigate } from 'react-router-dom';
import { styled } from 'styled-components';
import { QueryProvider } from '../components/query-provider';
import { useDrawerHost } from './drawer-host';
import { FileIndexLine } from './file-index-line';
import { useFileDuplicates } from '../hooks/file-duplicates';
import { useFileIndex } from '../hooks/file-index';
import { usePanelSettings } from '../hooks/panel-settings';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { duplicatesAddress, similarAddress } from '../api/addresses';

/**
 * “Find similar”, how many duplicates there are, and whether searches find it, within the details that the Media Library
 * shows of a file.
 */
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
  const isAllowed = may.search || may.duplicates || may.manage;
  if (!settings?.mediaLibrary || host === null || !isAllowed) return null;
  return createPortal(
    <Strip padding={3} background="neutral0">
      <Contents fileId={fileId} />
    </Strip>,
    host,
  );
}

function Contents({ fileId }: { fileId: number }) {
  const { may } = useImageSearchPermissions();
  const index = useFileIndex(fileId);
  const wordsId = useId();
  return (
    <Flex direction="column" alignItems="stretch" gap={3}>
      {index?.state !== 'not-a-picture' && (may.search || may.duplicates) && (
        <Flex gap={3} justifyContent="space-between" wrap="wrap">
          {may.search && (
            <FindSimilar
              fileId={fileId}
              // Tried all the same while it is not known.
              isFindable={index?.isFindable ?? true}
              reasonId={wordsId}
            />
          )}
          <Duplicates fileId={fileId} isLinked={may.duplicates} />
        </Flex>
      )}
      {index && <FileIndexLine index={index} id={wordsId} />}
    </Flex>
  );
}

interface FindSimilarProps {
  fileId: number;
  isFindable: boolean;
  /** Of the element that says why it cannot be used. */
  reasonId: string;
}

function FindSimilar({ fileId, isFindable, reasonId }: FindSimilarProps) {
  const text = useText();
  const navigate = useNavigate();
  return (
    <Button
      variant="tertiary"
      startIcon={<Search />}
      disabled={!isFindable}
      {...(!isFindable && { 'aria-describedby': reasonId })}
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
