import {
  Button,
  Field,
  Flex,
  IconButton,
  Modal,
  SingleSelect,
  SingleSelectOption,
  Typography,
} from '@strapi/design-system';
import { Cross, Download, Folder, Link } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import { moveAssets } from '../../../api/library';
import { useFileActions } from '../../../hooks/file-actions';
import { useFolders } from '../../../hooks/library';
import { useLibraryPermissions } from '../../../hooks/permissions';
import { useText } from '../../../hooks/text';
import { searchKey } from '../page-state';

/** Actions on all selected results. */
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

/** The top of the library, which has no folder id. */
const TOP = 'top';

interface MoveDialogProps {
  ids: readonly number[];
  onClose: () => void;
  onMoved: () => void;
}

/** Asks for a folder and moves files there, as the Media Library does. */
function MoveDialog({ ids, onClose, onMoved }: MoveDialogProps) {
  const text = useText();
  const { toggleNotification } = useNotification();
  const queryClient = useQueryClient();
  const folders = useFolders(true) ?? [];
  const [target, setTarget] = useState(TOP);
  const move = useMutation({
    mutationFn: () => moveAssets(ids, target === TOP ? null : Number(target)),
    onSuccess: () => {
      const message = text('search.move.done', { count: ids.length });
      toggleNotification({ type: 'success', message });
      void queryClient.invalidateQueries({ queryKey: searchKey });
      onMoved();
      onClose();
    },
  });
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal.Content aria-describedby={undefined}>
        <Modal.Header closeLabel={text('search.move.cancel')}>
          <Modal.Title>{text('search.move.title', { count: ids.length })}</Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <Field.Root name="folder">
            <Field.Label>{text('search.move.folder')}</Field.Label>
            <SingleSelect
              value={target}
              onChange={(value) => {
                setTarget(String(value));
              }}
            >
              <SingleSelectOption value={TOP}>
                {text('search.details.topFolder')}
              </SingleSelectOption>
              {folders.map(({ id, name, depth }) => (
                <SingleSelectOption key={id} value={String(id)}>
                  {`${'\u2003'.repeat(depth + 1)}${name}`}
                </SingleSelectOption>
              ))}
            </SingleSelect>
          </Field.Root>
          {move.error && (
            <Typography role="alert" textColor="danger600">
              {move.error.message}
            </Typography>
          )}
        </Modal.Body>
        <Modal.Footer>
          <Button variant="tertiary" onClick={onClose}>
            {text('search.move.cancel')}
          </Button>
          <Button
            loading={move.isPending}
            onClick={() => {
              move.mutate();
            }}
          >
            {text('search.move.confirm')}
          </Button>
        </Modal.Footer>
      </Modal.Content>
    </Modal.Root>
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
