import {
  Box,
  Button,
  Flex,
  IconButton,
  Link as TextLink,
  LinkButton,
  Typography,
} from '@strapi/design-system';
import {
  ArrowLeft,
  ArrowRight,
  Cross,
  Download,
  ExternalLink,
  Images,
  Link as LinkIcon,
} from '@strapi/icons';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState } from 'react';
import { Link, NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import { fetchFileColors, fetchFileUsage } from '../../../api/files';
import type { SearchHit } from '../../../api/search';
import { FileImage, nameOf } from '../../../components/file-image';
import { MarkedText } from '../../../components/marked-text';
import { duplicatesAddress, mediaLibraryAddress } from '../../../components/navigation';
import { useFileActions } from '../../../hooks/file-actions';
import { useFileDuplicates, useFileIndex } from '../../../hooks/files';
import { useFormats } from '../../../hooks/formats';
import { useImageSearchPermissions, useLibraryPermissions } from '../../../hooks/permissions';
import { useText } from '../../../hooks/text';
import { useViewText } from '../../../hooks/view-text';
import { Swatch } from '../field/color-field';
import { ImageViewer } from './image-viewer';
import { SaveSuggestedText } from './suggested-text';

/** The preview's width in CSS pixels. */
const PREVIEW_WIDTH = 400;

/** The panel's width on wide screens. */
export const DETAILS_WIDTH = '42rem';

interface DetailsPanelProps {
  hit: SearchHit;
  hasPrevious: boolean;
  hasNext: boolean;
  onStep: (step: -1 | 1) => void;
  onFindSimilar: (id: number) => void;
  /** Filters by a color, as `#rrggbb`. */
  onFilterColor: (color: string) => void;
  onFilterTag: (tag: string) => void;
  onClose: () => void;
}

/** One result at the side of the page, with its details. The results stay usable beside it. */
export function DetailsPanel(props: DetailsPanelProps) {
  const { hit, hasPrevious, hasNext, onStep, onFindSimilar, onClose } = props;
  const { onFilterColor, onFilterTag } = props;
  const text = useText();
  const { file } = hit;
  const { canChange } = useLibraryPermissions();
  const titleId = useId();
  const panel = useFocusWhileOpen();
  const [isViewing, setIsViewing] = useState(false);
  const step = (key: string) => {
    if (key === 'ArrowLeft' && hasPrevious) onStep(-1);
    if (key === 'ArrowRight' && hasNext) onStep(1);
  };
  useEscape(onClose, !isViewing);
  return (
    <Panel
      ref={panel}
      role="dialog"
      aria-labelledby={titleId}
      tabIndex={-1}
      onKeyDown={({ key }) => {
        step(key);
      }}
    >
      <PanelHeader gap={1}>
        <Typography id={titleId} tag="h2" variant="omega" fontWeight="bold" ellipsis>
          <MarkedText text={file.name} marks={hit.highlights.name} />
        </Typography>
        <Flex gap={1} marginLeft="auto">
          <IconButton
            variant="ghost"
            label={text('search.details.previous')}
            disabled={!hasPrevious}
            onClick={() => {
              onStep(-1);
            }}
          >
            <ArrowLeft />
          </IconButton>
          <IconButton
            variant="ghost"
            label={text('search.details.next')}
            disabled={!hasNext}
            onClick={() => {
              onStep(1);
            }}
          >
            <ArrowRight />
          </IconButton>
          <IconButton variant="ghost" label={text('search.details.close')} onClick={onClose}>
            <Cross />
          </IconButton>
        </Flex>
      </PanelHeader>
      <Content tabIndex={-1}>
        <Preview
          type="button"
          aria-label={text('search.details.enlarge', { name: nameOf(file) })}
          onClick={() => {
            setIsViewing(true);
          }}
        >
          <FileImage
            asset={file}
            width={PREVIEW_WIDTH}
            fit="contain"
            view={hit.view}
            alternativeText=""
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
          {canChange && <SaveSuggestedText key={file.id} asset={file} />}
          <TagList tags={hit.tags ?? []} onFilter={onFilterTag} />
          <ColorList fileId={file.id} onFilter={onFilterColor} />
          <UsageList fileId={file.id} />
          <DuplicateList fileId={file.id} />
        </Flex>
      </Content>
      <PanelActions hit={hit} />
      {isViewing && (
        <ImageViewer
          asset={file}
          view={hit.view}
          onStep={step}
          onClose={() => {
            setIsViewing(false);
          }}
        />
      )}
    </Panel>
  );
}

/** Takes the focus, so that the arrow keys step through results, and gives it back at the end. */
function useFocusWhileOpen() {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      if (opener instanceof HTMLElement) opener.focus({ preventScroll: true });
    };
  }, []);
  return panel;
}

/** Not while a dialog or a menu is open, which Escape closes first. */
function useEscape(onEscape: () => void, isActive: boolean): void {
  useEffect(() => {
    if (!isActive) return undefined;
    const listen = (event: globalThis.KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) onEscape();
    };
    document.addEventListener('keydown', listen);
    return () => {
      document.removeEventListener('keydown', listen);
    };
  }, [onEscape, isActive]);
}

function PanelActions({ hit: { file } }: { hit: SearchHit }) {
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

function DetailsList({ hit }: { hit: SearchHit }) {
  const { file, highlights, matchedBy, score } = hit;
  const shown = useViewText()(hit);
  const index = useFileIndex(file.id);
  const text = useText();
  const formats = useFormats();
  const unknown = text('search.details.unknown');
  const { width, height, size, createdAt } = file;
  const nameOfMatch = (match: SearchHit['matchedBy'][number]): string =>
    (match === 'image' ? shown : null) ?? text(`search.match.${match}`);
  const lines = [
    ['alternativeText', file.alternativeText?.trim() ? file.alternativeText : null],
    ['caption', file.caption],
    ['dimensions', width && height ? formats.dimensions(width, height) : unknown],
    ['size', size ? formats.fileSize(size) : unknown],
    ['type', (file.ext ?? file.mime).replace(/^\./, '').toUpperCase()],
    ['uploaded', createdAt ? formats.date(createdAt) : unknown],
    ['folder', file.folder?.name ?? text('search.details.topFolder')],
    ['similarity', score === null ? null : formats.score(score)],
    ['matchedBy', matchedBy.map(nameOfMatch).join(' · ')],
    ['text', index?.text],
    ['completeness', index?.isPartial ? text('widgets.index.partial') : null],
  ] as const;
  return (
    <Flex tag="dl" direction="column" alignItems="stretch" gap={3}>
      {lines.map(([name, value]) => {
        if (name !== 'alternativeText' && !value) return null;
        const marks = name === 'alternativeText' || name === 'caption' ? highlights[name] : [];
        return (
          <Flex key={name} alignItems="baseline" gap={4}>
            <Typography tag="dt" variant="pi" textColor="neutral600" width="12rem" shrink={0}>
              {text(`search.details.${name}`)}
            </Typography>
            <Typography tag="dd" textColor={value ? 'neutral800' : 'neutral600'}>
              {value ? (
                <MarkedText text={value} marks={marks} />
              ) : (
                text('search.details.noAlternativeText')
              )}
            </Typography>
          </Flex>
        );
      })}
    </Flex>
  );
}

/** The image's tags, each a button that filters by it. */
function TagList({
  tags,
  onFilter,
}: {
  tags: readonly string[];
  onFilter: DetailsPanelProps['onFilterTag'];
}) {
  const text = useText();
  if (tags.length === 0) return null;
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography tag="h3" variant="sigma" textColor="neutral600">
        {text('search.details.tags')}
      </Typography>
      <Flex gap={2} wrap="wrap">
        {tags.map((tag) => (
          <Button
            key={tag}
            size="S"
            variant="tertiary"
            aria-label={text('search.details.filterTag', { tag })}
            onClick={() => {
              onFilter(tag);
            }}
          >
            {tag}
          </Button>
        ))}
      </Flex>
    </Flex>
  );
}

/** The image's dominant colors, each a button that filters by it; nothing until they are known. */
function ColorList({
  fileId,
  onFilter,
}: {
  fileId: number;
  onFilter: DetailsPanelProps['onFilterColor'];
}) {
  const text = useText();
  const formats = useFormats();
  const { data: colors = [] } = useQuery({
    queryKey: ['file-colors', fileId],
    queryFn: ({ signal }) => fetchFileColors(fileId, signal),
  });
  if (colors.length === 0) return null;
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography tag="h3" variant="sigma" textColor="neutral600">
        {text('search.details.colors')}
      </Typography>
      <Flex gap={2} wrap="wrap">
        {colors.map(({ hex, name, share }) => {
          const color = `${text(`search.filter.color.${name}`)} ${hex}`;
          return (
            <Swatch
              key={hex}
              type="button"
              $color={hex}
              aria-label={text('search.details.filterColor', { color })}
              title={`${color} · ${formats.percent(share)}`}
              onClick={() => {
                onFilter(hex);
              }}
            />
          );
        })}
      </Flex>
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

const Panel = styled.div`
  position: fixed;
  z-index: ${({ theme }) => theme.zIndices.navigation};
  inset: 0 0 0 auto;
  display: flex;
  flex-direction: column;
  width: 100%;
  height: 100dvh;
  background: ${({ theme }) => theme.colors.neutral0};
  border-left: 1px solid ${({ theme }) => theme.colors.neutral150};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
  ${({ theme }) => theme.breakpoints.medium} {
    width: ${DETAILS_WIDTH};
  }
  &:focus-visible {
    outline: none;
  }
`;

const PanelHeader = styled(Flex)`
  padding: ${({ theme }) => `${theme.spaces[2]} ${theme.spaces[3]} ${theme.spaces[2]} ${theme.spaces[5]}`};
  border-bottom: 1px solid ${({ theme }) => theme.colors.neutral150};
`;

const Content = styled(Box)`
  flex: 1;
  overflow-y: auto;
`;

const Preview = styled.button`
  display: block;
  width: 100%;
  height: 28rem;
  padding: 0;
  cursor: zoom-in;
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
