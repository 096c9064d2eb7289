import {
  Box,
  Flex,
  IconButton,
  Link,
  MenuItem,
  SimpleMenu,
  Typography,
} from '@strapi/design-system';
import { Image, Images, Upload } from '@strapi/icons';
import { useStrapiApp } from '@strapi/strapi/admin';
import { useQuery } from '@tanstack/react-query';
import { createElement, useEffect, useRef, useState, type ComponentType } from 'react';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import * as z from 'zod';
import { checkImage, type CheckResponse } from '../../../api/search';
import { nameOf } from '../../../components/file-image';
import { mediaLibraryAddress } from '../../../components/navigation';
import { useText } from '../../../hooks/text';
import type { QueryImage } from '../query-images';

/** The dialog in which media fields pick their files, with the props used here. */
type LibraryDialog = ComponentType<{
  allowedTypes: string[];
  multiple: boolean;
  onClose: () => void;
  onSelectAssets: (assets: unknown) => void;
}>;

const pickedSchema = z.array(z.object({ id: z.number() }));

interface ImageMenuProps {
  onFile: (file: File) => void;
  onAsset: (id: number) => void;
  /** False in the dialog itself. */
  offersLibrary: boolean;
}

/** Uploads an image or picks one from the library to search with. */
export function ImageMenu({ onFile, onAsset, offersLibrary }: ImageMenuProps) {
  const text = useText();
  const fileInput = useRef<HTMLInputElement>(null);
  const [isPicking, setIsPicking] = useState(false);
  const dialog = useStrapiApp(
    'ImageSearch',
    ({ components }) => components['media-library'] as LibraryDialog | undefined,
  );
  return (
    <>
      <SimpleMenu
        tag={IconButton}
        variant="ghost"
        label={text('search.image.menu')}
        icon={<Image />}
        popoverPlacement="bottom-end"
      >
        <MenuItem startIcon={<Upload />} onSelect={() => fileInput.current?.click()}>
          {text('search.image.upload')}
        </MenuItem>
        {offersLibrary && dialog && (
          <MenuItem
            startIcon={<Images />}
            onSelect={() => {
              setIsPicking(true);
            }}
          >
            {text('search.image.library')}
          </MenuItem>
        )}
      </SimpleMenu>
      <input
        ref={fileInput}
        hidden
        type="file"
        accept="image/*"
        data-testid="image-input"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) onFile(file);
          target.value = '';
        }}
      />
      {dialog &&
        isPicking &&
        createElement(dialog, {
          allowedTypes: ['images'],
          multiple: false,
          onClose: () => {
            setIsPicking(false);
          },
          onSelectAssets: (assets) => {
            setIsPicking(false);
            const [picked] = pickedSchema.parse(assets);
            if (picked) onAsset(picked.id);
          },
        })}
    </>
  );
}

/** Accepts a file dropped anywhere on the page, or pasted, and shows an overlay while one is dragged. */
export function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const text = useText();
  const [isOver, setIsOver] = useState(false);
  /** The browser fires enter and leave for every element the pointer crosses. */
  const depth = useRef(0);

  useEffect(() => {
    const show = (change: number) => (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      depth.current = Math.max(0, depth.current + change);
      setIsOver(depth.current > 0);
    };
    const drop = (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      depth.current = 0;
      setIsOver(false);
      if (!file) return;
      event.preventDefault();
      onFile(file);
    };
    const paste = (event: ClipboardEvent) => {
      const file = event.clipboardData?.files[0];
      if (!file) return;
      event.preventDefault();
      onFile(file);
    };
    const listeners = new AbortController();
    const { signal } = listeners;
    window.addEventListener('dragenter', show(1), { signal });
    window.addEventListener('dragover', show(0), { signal });
    window.addEventListener('dragleave', show(-1), { signal });
    window.addEventListener('drop', drop, { signal });
    window.addEventListener('paste', paste, { signal });
    return () => {
      listeners.abort();
    };
  }, [onFile]);

  if (!isOver) return null;
  return (
    <Overlay>
      <Flex
        direction="column"
        gap={2}
        padding={8}
        background="neutral0"
        hasRadius
        shadow="popupShadow"
      >
        <Image aria-hidden width="3.2rem" height="3.2rem" />
        <Typography variant="beta">{text('search.image.drop')}</Typography>
        <Typography textColor="neutral600">{text('search.image.dropHint')}</Typography>
      </Flex>
    </Overlay>
  );
}

const MAX_LISTED = 3;

interface ImageNoticeProps {
  image: QueryImage;
  /** The check waits for the search, so as not to slow it down. */
  hasResults: boolean;
}

/** Says whether the library already has the image, and that a link won't include it. */
export function ImageNotice({ image, hasResults }: ImageNoticeProps) {
  const text = useText();
  const { data } = useQuery({
    queryKey: ['image-check', image.key],
    queryFn: ({ signal }) => checkImage(image.blob, signal),
    enabled: hasResults,
    staleTime: Infinity,
  });
  return (
    <Box paddingTop={2}>
      <Typography tag="div" variant="pi" textColor="neutral800" role="status">
        {data && <CheckResult check={data} />}
      </Typography>
      <Typography tag="p" variant="pi" textColor="neutral600">
        {text('search.image.local')}
      </Typography>
    </Box>
  );
}

function CheckResult({ check: { data: matches, meta } }: { check: CheckResponse }) {
  const text = useText();
  if (matches.length === 0) return meta.isComplete ? text('search.image.unknown') : null;
  return (
    <>
      {text('search.image.known')}{' '}
      {matches.slice(0, MAX_LISTED).map(({ file, kind }, index) => (
        <span key={file.id}>
          {index > 0 && ', '}
          <Link tag={NavLink} to={mediaLibraryAddress(file.id)}>
            {nameOf(file)}
          </Link>{' '}
          ({text(`search.details.${kind}`)})
        </span>
      ))}
    </>
  );
}

const Overlay = styled.div`
  position: fixed;
  inset: ${({ theme }) => theme.spaces[2]};
  z-index: ${({ theme }) => theme.zIndices.overlay};
  display: flex;
  align-items: center;
  justify-content: center;
  pointer-events: none;
  color: ${({ theme }) => theme.colors.primary600};
  background: color-mix(in srgb, ${({ theme }) => theme.colors.primary100} 80%, transparent);
  border: 2px dashed ${({ theme }) => theme.colors.primary600};
  border-radius: ${({ theme }) => theme.borderRadius};
`;
