import {
  Box,
  Button,
  Flex,
  IconButton,
  Link as TextLink,
  LinkButton,
  Modal,
  Typography,
} from '@strapi/design-system';
import {
  ArrowLeft,
  ArrowRight,
  Download,
  ExternalLink,
  Images,
  Link as LinkIcon,
} from '@strapi/icons';
import { useQuery } from '@tanstack/react-query';
import { Link, NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import { fetchFileUsage } from '../../../api/files';
import type { SearchHit } from '../../../api/search';
import { FileImage, nameOf } from '../../../components/file-image';
import { duplicatesAddress, mediaLibraryAddress } from '../../../components/navigation';
import { useFileActions } from '../../../hooks/file-actions';
import { useFileDuplicates } from '../../../hooks/files';
import { useFormats } from '../../../hooks/formats';
import { useImageSearchPermissions, useLibraryPermissions } from '../../../hooks/permissions';
import { useText } from '../../../hooks/text';

/** The preview's width in CSS pixels. */
const PREVIEW_WIDTH = 400;

interface DetailsDrawerProps {
  /** Null closes it. */
  hit: SearchHit | null;
  hasPrevious: boolean;
  hasNext: boolean;
  onStep: (step: -1 | 1) => void;
  onFindSimilar: (id: number) => void;
  onClose: () => void;
  /** Called when the drawer has closed, to return the focus to the page. */
  onClosed: () => void;
}

/** One result at the side of the page: large, with its details. */
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
        // Focuses the drawer instead of its first button, so that the arrow keys step through results.
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
          <FileImage
            asset={file}
            width={PREVIEW_WIDTH}
            fit="contain"
            alternativeText={nameOf(file)}
          />
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
          <UsageList fileId={file.id} />
          <DuplicateList fileId={file.id} />
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

function DetailsList({ hit: { file, score, view } }: { hit: SearchHit }) {
  const text = useText();
  const formats = useFormats();
  const unknown = text('search.details.unknown');
  const { width, height, size, createdAt } = file;
  const lines = [
    ['alternativeText', file.alternativeText?.trim() ? file.alternativeText : null],
    ['caption', file.caption],
    ['dimensions', width && height ? formats.dimensions(width, height) : unknown],
    ['size', size ? formats.fileSize(size) : unknown],
    ['type', (file.ext ?? file.mime).replace(/^\./, '').toUpperCase()],
    ['uploaded', createdAt ? formats.date(createdAt) : unknown],
    ['folder', file.folder?.name ?? text('search.details.topFolder')],
    ['similarity', score === null ? null : formats.score(score)],
    ['view', view ? text(`search.view.${view.kind}`, { number: view.number }) : null],
  ] as const;
  return (
    <Flex tag="dl" direction="column" alignItems="stretch" gap={3}>
      {lines.map(([name, value]) => {
        if (['caption', 'similarity', 'view'].includes(name) && !value) return null;
        return (
          <Flex key={name} alignItems="baseline" gap={4}>
            <Typography tag="dt" variant="pi" textColor="neutral600" width="12rem" shrink={0}>
              {text(`search.details.${name}`)}
            </Typography>
            <Typography tag="dd" textColor={value ? 'neutral800' : 'neutral600'}>
              {value ?? text('search.details.noAlternativeText')}
            </Typography>
          </Flex>
        );
      })}
    </Flex>
  );
}

const MAX_USES = 8;

/** The entries that use the file; nothing until they are loaded. */
function UsageList({ fileId }: { fileId: number }) {
  const text = useText();
  const { data: usage } = useQuery({
    queryKey: ['file-usage', fileId],
    queryFn: ({ signal }) => fetchFileUsage(fileId, signal),
  });
  if (!usage) return null;
  const { possibleUseCount, useCount } = usage.meta;
  const uses = usage.data.filter(({ certainty }) => certainty === 'sure').slice(0, MAX_USES);
  const more = useCount - uses.length;
  const rest = [
    more > 0 && text('search.details.usedInMore', { count: more }),
    possibleUseCount > 0 && text('duplicates.report.possible', { count: possibleUseCount }),
  ].filter(Boolean);
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography tag="h3" variant="sigma" textColor="neutral600">
        {text('search.details.usedIn')}
      </Typography>
      {useCount === 0 && (
        <Typography textColor="neutral600">{text('search.details.unused')}</Typography>
      )}
      <Flex tag="ul" direction="column" alignItems="stretch" gap={2}>
        {uses.map((use) => (
          <li key={`${use.contentType.uid} ${String(use.entryId)} ${use.path}`}>
            <Typography tag="p" ellipsis>
              {use.title ?? use.contentType.displayName}
            </Typography>
            <Typography tag="p" variant="pi" textColor="neutral600" ellipsis>
              {[use.contentType.displayName, use.path, use.locale].filter(Boolean).join(' · ')}
            </Typography>
          </li>
        ))}
      </Flex>
      {rest.length > 0 && (
        <Typography variant="pi" textColor="neutral600">
          {rest.join(' · ')}
        </Typography>
      )}
    </Flex>
  );
}

const THUMBNAIL_SIZE = 48;

/** The file's open duplicates; nothing if there are none, or the role has no access to them. */
function DuplicateList({ fileId }: { fileId: number }) {
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
            <FileImage asset={file} width={THUMBNAIL_SIZE} alternativeText="" />
          </Thumbnail>
          <Box minWidth={0}>
            {may.duplicates ? (
              <TextLink tag={NavLink} to={duplicatesAddress(pair.id)}>
                {file.name}
              </TextLink>
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

/** The design system's dialog, at the side of the page and as high as the window. */
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

const Thumbnail = styled(Box)`
  flex: none;
  width: ${String(THUMBNAIL_SIZE)}px;
  height: ${String(THUMBNAIL_SIZE)}px;
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
`;
