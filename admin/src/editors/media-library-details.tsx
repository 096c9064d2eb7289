import { Badge, Box, Button, Flex, Link } from '@strapi/design-system';
import { Search } from '@strapi/icons';
import { useEffect, useId, useState } from 'react';
import { createPortal } from 'react-dom';
import { NavLink, useNavigate } from 'react-router-dom';
import { styled } from 'styled-components';
import { duplicatesAddress, similarAddress } from '../components/navigation';
import { QueryProvider } from '../components/query-provider';
import { useFileDuplicates, useFileIndex } from '../hooks/files';
import { usePanelSettings } from '../hooks/panel-settings';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { FileIndexLine } from './file-index-line';
import { createHost } from './host';

/** Adds to the Media Library's details of a file: “Find similar”, its duplicates and whether searches find it. */
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
  const textId = useId();
  const isOutsideLibrary = index?.state === 'not-an-image' || index?.state === 'in-trash';
  return (
    <Flex direction="column" alignItems="stretch" gap={3}>
      {!isOutsideLibrary && (may.search || may.duplicates) && (
        <Flex gap={3} justifyContent="space-between" wrap="wrap">
          {may.search && (
            <FindSimilar
              fileId={fileId}
              // Enabled while unknown.
              isSearchable={index?.isSearchable ?? true}
              reasonId={textId}
            />
          )}
          <Duplicates fileId={fileId} isLinked={may.duplicates} />
        </Flex>
      )}
      {index && <FileIndexLine index={index} id={textId} />}
    </Flex>
  );
}

interface FindSimilarProps {
  fileId: number;
  isSearchable: boolean;
  /** Of the element that explains why the button is disabled. */
  reasonId: string;
}

function FindSimilar({ fileId, isSearchable, reasonId }: FindSimilarProps) {
  const text = useText();
  const navigate = useNavigate();
  return (
    <Button
      variant="tertiary"
      startIcon={<Search />}
      disabled={!isSearchable}
      {...(!isSearchable && { 'aria-describedby': reasonId })}
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
  // Strapi's warning badge lacks contrast at this size.
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

/** File details slide in from the side; other dialogs don't. */
const DRAWER = '[role="dialog"][data-animation-direction="left"]';

/**
 * An element at the end of the Media Library's drawer; null while no drawer is open. Strapi has no injection zone there, so
 * nothing shows if its markup changes.
 */
function useDrawerHost(): HTMLElement | null {
  const [host, setHost] = useState<HTMLElement | null>(null);
  useEffect(() => {
    let current: HTMLElement | null = null;
    const attach = (): void => {
      const drawer = document.querySelector(DRAWER);
      if (drawer !== null && current !== null && drawer.contains(current)) return;
      current?.remove();
      current = drawer === null ? null : createHost();
      // Last, even if the drawer is still loading its own content.
      if (current) current.style.order = '1';
      if (current) (drawer?.firstElementChild ?? drawer)?.append(current);
      setHost(current);
    };
    const observer = new MutationObserver(attach);
    observer.observe(document.body, { childList: true, subtree: true });
    attach();
    return () => {
      observer.disconnect();
      current?.remove();
    };
  }, []);
  return host;
}
