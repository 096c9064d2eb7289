import { IconButton, MenuItem, SimpleMenu } from '@strapi/design-system';
import { Image, Images, Upload } from '@strapi/icons';
import { useStrapiApp } from '@strapi/strapi/admin';
import { createElement, useRef, useState, type ComponentType } from 'react';
import * as z from 'zod';
import { useText } from '../../hooks/text';

/** What is used of the dialog in which media fields pick their files. */
type LibraryDialog = ComponentType<{
  allowedTypes: string[];
  multiple: boolean;
  onClose: () => void;
  onSelectAssets: (assets: unknown) => void;
}>;

const pickedSchema = z.array(z.object({ id: z.number() }));

interface PictureMenuProps {
  onFile: (file: File) => void;
  onAsset: (id: number) => void;
}

/** Ways to search with a picture, beside dropping and pasting one. */
export function PictureMenu({ onFile, onAsset }: PictureMenuProps) {
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
        label={text('search.picture.menu')}
        icon={<Image />}
        popoverPlacement="bottom-end"
      >
        <MenuItem startIcon={<Upload />} onSelect={() => fileInput.current?.click()}>
          {text('search.picture.upload')}
        </MenuItem>
        {dialog && (
          <MenuItem
            startIcon={<Images />}
            onSelect={() => {
              setIsPicking(true);
            }}
          >
            {text('search.picture.library')}
          </MenuItem>
        )}
      </SimpleMenu>
      <input
        ref={fileInput}
        hidden
        type="file"
        accept="image/*"
        data-testid="picture-input"
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
