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
import { Cross, Download, Folder, Link, Pencil, Trash } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import { deleteAssets, moveAssets } from '../../../api/library';
import { Confirmation } from '../../../components/confirmation';
import { useFailureText } from '../../../hooks/failure-text';
import { useFileActions } from '../../../hooks/file-actions';
import { useFolders } from '../../../hooks/library';
import { useLibraryPermissions } from '../../../hooks/permissions';
import { useText } from '../../../hooks/text';
import { searchKey } from '../page-state';
import { DETAILS_WIDTH } from './details-panel';
import { EditTextsDialog } from './edit-texts';

interface SelectionBarProps {
  assets: readonly Asset[];
  isBesideDetails: boolean;
  onClear: () => void;
}

/** Actions on all selected results. */
export function SelectionBar({ assets, isBesideDetails, onClear }: SelectionBarProps) {
  const text = useText();
  const { canCopyLink, canDownload, canChange } = useLibraryPermissions();
  const { copyLinks, download } = useFileActions();
  const [dialog, setDialog] = useState<'move' | 'edit' | 'delete' | null>(null);
  if (assets.length === 0) return null;
  const close = () => {
    setDialog(null);
  };
  const open = (name: typeof dialog) => () => {
    setDialog(name);
  };
  const actions: Action[] = [
    { key: 'edit', icon: <Pencil />, isOffered: canChange, onClick: open('edit') },
    { key: 'move', icon: <Folder />, isOffered: canChange, onClick: open('move') },
    {
      key: 'download',
      icon: <Download />,
      isOffered: canDownload,
      onClick: () => void download(assets),
    },
    {
      key: 'copyLinks',
      icon: <Link />,
      isOffered: canCopyLink,
      onClick: () => void copyLinks(assets),
    },
    { key: 'delete', icon: <Trash />, isOffered: canChange, onClick: open('delete') },
  ];
  return (
    <>
      <Bar
        $isBesideDetails={isBesideDetails}
        role="region"
        aria-label={text('search.selection.label')}
      >
        <Typography fontWeight="semiBold" role="status">
          {text('search.selection.count', { count: assets.length })}
        </Typography>
        {actions
          .filter(({ isOffered }) => isOffered)
          .map(({ key, icon, onClick }) => (
            <BarButton
              key={key}
              variant={key === 'delete' ? 'danger-light' : 'tertiary'}
              startIcon={icon}
              aria-label={text(`search.selection.${key}`)}
              onClick={onClick}
            >
              {text(`search.selection.${key}`)}
            </BarButton>
          ))}
        <IconButton variant="ghost" label={text('search.selection.clear')} onClick={onClear}>
          <Cross />
        </IconButton>
      </Bar>
      {dialog === 'move' && (
        <MoveDialog ids={assets.map(({ id }) => id)} onClose={close} onMoved={onClear} />
      )}
      {dialog === 'edit' && <EditTextsDialog assets={assets} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog assets={assets} onClose={close} onDeleted={onClear} />}
    </>
  );
}

interface Action {
  key: 'edit' | 'move' | 'download' | 'copyLinks' | 'delete';
  icon: ReactNode;
  isOffered: boolean;
  onClick: () => void;
}

interface DeleteDialogProps {
  assets: readonly Asset[];
  onClose: () => void;
  onDeleted: () => void;
}

/** Asks before deleting files, as the Media Library does. */
function DeleteDialog({ assets, onClose, onDeleted }: DeleteDialogProps) {
  const text = useText();
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const queryClient = useQueryClient();
  const count = assets.length;
  const remove = useMutation({
    mutationFn: () => deleteAssets(assets.map(({ id }) => id)),
    onSuccess: () => {
      toggleNotification({ type: 'success', message: text('search.delete.done', { count }) });
      onDeleted();
    },
    onError: (error) => {
      toggleNotification({ type: 'danger', message: failureText(error) });
    },
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: searchKey });
      onClose();
    },
  });
  return (
    <Confirmation
      title={text('search.delete.title', { count })}
      question={text('search.delete.question', { count })}
      action={text('search.selection.delete')}
      isDangerous
      onConfirm={() => {
        remove.mutate();
      }}
      onClose={onClose}
    />
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

const Bar = styled(Flex)<{ $isBesideDetails: boolean }>`
  position: fixed;
  z-index: ${({ theme }) => theme.zIndices.navigation};
  bottom: ${({ theme }) => theme.spaces[4]};
  left: 50%;
  transform: translateX(-50%);
  ${({ theme }) => theme.breakpoints.large} {
    ${({ $isBesideDetails }) => $isBesideDetails && `left: calc(50% - ${DETAILS_WIDTH} / 2);`}
  }
  gap: ${({ theme }) => theme.spaces[2]};
  max-width: calc(100vw - ${({ theme }) => theme.spaces[4]});
  white-space: nowrap;
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[3]} ${theme.spaces[3]} ${theme.spaces[5]}`};
  background: ${({ theme }) => theme.colors.neutral0};
  border: 1px solid ${({ theme }) => theme.colors.neutral150};
  border-radius: ${({ theme }) => theme.borderRadius};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
`;

/** An icon alone on small screens. */
const BarButton = styled<typeof Button>(Button)`
  flex: none;
  padding-inline: ${({ theme }) => theme.spaces[2]};
  > span:last-child {
    display: none;
  }
  ${({ theme }) => theme.breakpoints.large} {
    padding-inline: ${({ theme }) => theme.spaces[4]};
    > span:last-child {
      display: inline;
    }
  }
`;
