import { Box, Button, Flex, IconButton, LinkButton, Modal } from '@strapi/design-system';
import {
  ArrowLeft,
  ArrowRight,
  Download,
  ExternalLink,
  Images,
  Link as LinkIcon,
} from '@strapi/icons';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import { mediaLibraryAddress } from '../../api/addresses';
import type { SearchHit } from '../../api/search';
import { Picture, nameOf } from '../../components/picture';
import { useFileActions, useLibraryPermissions } from '../../hooks/file-actions';
import { useText } from '../../hooks/text';
import { DetailsList } from './details-list';
import { DrawerDuplicates } from './drawer-duplicates';
import { DrawerUsage } from './drawer-usage';

const WIDTH = 400;

interface DetailsDrawerProps {
  /** Null closes it. */
  hit: SearchHit | null;
  hasPrevious: boolean;
  hasNext: boolean;
  onStep: (step: -1 | 1) => void;
  onFindSimilar: (id: number) => void;
  onClose: () => void;
  /** Gives the focus back to the page. */
  onClosed: () => void;
}

/** One result at the side of the page: large, with all that is known of it. */
export function DetailsDrawer({ hit, onClose, ...props }: DetailsDrawerProps) {
  return (
    <Modal.Root
      open={hit !== null}
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      {hit && <Drawer {...props} hit={hit} />}
    </Modal.Root>
  );
}

type DrawerProps = Omit<DetailsDrawerProps, 'onClose' | 'hit'> & { hit: SearchHit };

function Drawer(props: DrawerProps) {
  const { hit, hasPrevious, hasNext, onStep, onFindSimilar, onClosed } = props;
  const text = useText();
  const { file } = hit;
  return (
    <Sheet
      aria-describedby={undefined}
      tabIndex={-1}
      onOpenAutoFocus={(event) => {
        // The picture is what was asked for, not the first of the buttons.
        event.preventDefault();
        if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
      }}
      onCloseAutoFocus={(event) => {
        event.preventDefault();
        onClosed();
      }}
      onKeyDown={({ key }) => {
        if (key === 'ArrowLeft' && hasPrevious) onStep(-1);
        if (key === 'ArrowRight' && hasNext) onStep(1);
      }}
    >
      <Modal.Header closeLabel={text('search.details.close')}>
        <Modal.Title ellipsis>{file.name}</Modal.Title>
        <Flex gap={1} paddingRight={1} marginLeft="auto">
          <IconButton
            label={text('search.details.previous')}
            disabled={!hasPrevious}
            onClick={() => {
              onStep(-1);
            }}
          >
            <ArrowLeft />
          </IconButton>
          <IconButton
            label={text('search.details.next')}
            disabled={!hasNext}
            onClick={() => {
              onStep(1);
            }}
          >
            <ArrowRight />
          </IconButton>
        </Flex>
      </Modal.Header>
      <Content tabIndex={-1}>
        <Preview>
          <Picture asset={file} width={WIDTH} fit="contain" alternativeText={nameOf(file)} />
        </Preview>
        <Flex direction="column" alignItems="stretch" gap={5} padding={5}>
          <Button
            fullWidth
            startIcon={<Images />}
            onClick={() => {
              onFindSimilar(file.id);
            }}
          >
            {text('search.details.findSimilar')}
          </Button>
          <DetailsList hit={hit} />
          <DrawerUsage fileId={file.id} />
          <DrawerDuplicates fileId={file.id} />
        </Flex>
      </Content>
      <DrawerActions hit={hit} />
    </Sheet>
  );
}

function DrawerActions({ hit: { file } }: { hit: SearchHit }) {
  const text = useText();
  const { canCopyLink, canDownload } = useLibraryPermissions();
  const { copyLinks, download } = useFileActions();
  return (
    <Flex padding={4} gap={2} background="neutral100" justifyContent="space-between">
      <LinkButton
        variant="tertiary"
        tag={Link}
        to={mediaLibraryAddress(file.id)}
        endIcon={<ExternalLink />}
      >
        {text('search.details.openInLibrary')}
      </LinkButton>
      <Flex gap={1}>
        {canCopyLink && (
          <IconButton
            size="M"
            label={text('search.details.copyLink')}
            onClick={() => void copyLinks([file])}
          >
            <LinkIcon />
          </IconButton>
        )}
        {canDownload && (
          <IconButton
            size="M"
            label={text('search.details.download')}
            onClick={() => void download([file])}
          >
            <Download />
          </IconButton>
        )}
      </Flex>
    </Flex>
  );
}

/** The design system's dialog, at the side and as high as the window. */
const Sheet = styled(Modal.Content)`
  inset: 0 0 0 auto;
  transform: none;
  width: 100%;
  height: 100dvh;
  max-width: 100%;
  max-height: 100dvh;
  border-radius: 0;
  && {
    ${({ theme }) => theme.breakpoints.medium} {
      width: 44rem;
    }
    animation-name: none;
  }
`;

const Content = styled(Box)`
  flex: 1;
  overflow-y: auto;
`;

const Preview = styled(Box)`
  height: 32rem;
  background: ${({ theme }) => theme.colors.neutral100};
  border-bottom: 1px solid ${({ theme }) => theme.colors.neutral150};
`;
