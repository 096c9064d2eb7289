import { Button, Flex, IconButton, Typography } from '@strapi/design-system';
import { Cross, Download, Folder, Link } from '@strapi/icons';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../api/asset';
import { useFileActions, useLibraryPermissions } from '../../hooks/file-actions';
import { useText } from '../../hooks/text';
import { MoveDialog } from './move-dialog';

/** What can be done with several results at once; nothing while none is selected. */
export function SelectionBar({
  assets,
  onClear,
}: {
  assets: readonly Asset[];
  onClear: () => void;
}) {
  const text = useText();
  const { canCopyLink, canDownload, canMove } = useLibraryPermissions();
  const { copyLinks, download } = useFileActions();
  const [isMoving, setIsMoving] = useState(false);
  if (assets.length === 0) return null;
  return (
    <>
      <Bar role="region" aria-label={text('search.selection.label')}>
        <Typography fontWeight="semiBold" role="status">
          {text('search.selection.count', { count: assets.length })}
        </Typography>
        {canDownload && (
          <Button variant="tertiary" startIcon={<Download />} onClick={() => void download(assets)}>
            {text('search.selection.download')}
          </Button>
        )}
        {canMove && (
          <Button
            variant="tertiary"
            startIcon={<Folder />}
            onClick={() => {
              setIsMoving(true);
            }}
          >
            {text('search.selection.move')}
          </Button>
        )}
        {canCopyLink && (
          <Button variant="tertiary" startIcon={<Link />} onClick={() => void copyLinks(assets)}>
            {text('search.selection.copyLinks')}
          </Button>
        )}
        <IconButton variant="ghost" label={text('search.selection.clear')} onClick={onClear}>
          <Cross />
        </IconButton>
      </Bar>
      {isMoving && (
        <MoveDialog
          ids={assets.map(({ id }) => id)}
          onClose={() => {
            setIsMoving(false);
          }}
          onMoved={onClear}
        />
      )}
    </>
  );
}

const Bar = styled(Flex)`
  position: fixed;
  z-index: ${({ theme }) => theme.zIndices.navigation};
  bottom: ${({ theme }) => theme.spaces[4]};
  left: 50%;
  transform: translateX(-50%);
  flex-wrap: wrap;
  gap: ${({ theme }) => theme.spaces[2]};
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[3]} ${theme.spaces[3]} ${theme.spaces[5]}`};
  background: ${({ theme }) => theme.colors.neutral0};
  border: 1px solid ${({ theme }) => theme.colors.neutral150};
  border-radius: ${({ theme }) => theme.borderRadius};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
`;
