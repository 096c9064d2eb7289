import { Button, Flex, IconButton, Link, Typography } from '@strapi/design-system';
import { Cross } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import { fetchFileUsage } from '../api/files';
import { deleteAssets, fetchWholeFile } from '../api/library';
import { useFailureText } from '../hooks/failure-text';
import { useImageSearchPermissions, useLibraryPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';
import { createHost } from './host';
import { mountedFields, useMountedFields, type MountedField } from './media-fields';

interface UploadNoticeProps {
  /** What the upload is. */
  message: string;
  /** Where to compare the two. */
  address: string;
  /** The upload. */
  file: { id: number; name: string };
  /** What it is a copy of. */
  existing: { id: number; name: string };
  onDismiss: () => void;
}

/**
 * Tells an editor that an upload is in the library already, above the form and its dialogs. Once the upload is in a field of
 * the form, the existing file can take its place there; then the upload can be deleted or kept.
 */
export function UploadNotice({ message, address, file, existing, onDismiss }: UploadNoticeProps) {
  const text = useText();
  const host = useBodyHost();
  const exchange = useExchange({ file, existing });
  const { canChange } = useLibraryPermissions();
  const { may } = useImageSearchPermissions();
  // Others can't ask where the upload is used.
  const canDelete = canChange && (may.search || may.duplicates);
  const deletion = useDeletion(file, onDismiss);
  const names = { file: file.name, existing: existing.name };
  return createPortal(
    <Bar role="status">
      <Typography textColor="neutral800">
        {exchange.isDone ? text('widgets.note.exchanged', names) : message}
      </Typography>
      <Flex gap={2} wrap="wrap">
        {exchange.isPossible && (
          <Button type="button" size="S" loading={exchange.isBusy} onClick={exchange.start}>
            {text('widgets.note.useExisting')}
          </Button>
        )}
        {exchange.isDone ? (
          <>
            {canDelete && (
              <Button
                type="button"
                size="S"
                variant="danger-light"
                loading={deletion.isBusy}
                onClick={deletion.start}
              >
                {text('widgets.note.delete')}
              </Button>
            )}
            <Button type="button" size="S" variant="tertiary" onClick={onDismiss}>
              {text('widgets.note.keep')}
            </Button>
          </>
        ) : (
          <Link tag={NavLink} to={address} target="_blank">
            {text('widgets.note.open')}
          </Link>
        )}
        <IconButton size="S" variant="ghost" label={text('duplicates.dismiss')} onClick={onDismiss}>
          <Cross />
        </IconButton>
      </Flex>
    </Bar>,
    host,
  );
}

/** Puts the existing file into every field that has the upload. */
function useExchange({ file, existing }: Pick<UploadNoticeProps, 'file' | 'existing'>) {
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const [isBusy, setIsBusy] = useState(false);
  const [isDone, setIsDone] = useState(false);
  const hasUpload = ({ fileIds }: MountedField): boolean => fileIds.includes(file.id);
  const fields = useMountedFields().filter(hasUpload);
  const exchange = async (): Promise<void> => {
    setIsBusy(true);
    try {
      const whole = await fetchWholeFile(existing.id);
      // The form may have changed while the file was loading.
      const current = mountedFields().filter(hasUpload);
      for (const { replace } of current) replace?.(file.id, whole);
      setIsDone(current.some(({ replace }) => replace !== null));
    } catch (error) {
      toggleNotification({ type: 'danger', message: failureText(error) });
    } finally {
      setIsBusy(false);
    }
  };
  return {
    isPossible: !isDone && fields.some(({ replace }) => replace !== null),
    isBusy,
    isDone,
    start: () => void exchange(),
  };
}

/** Deletes the upload unless a saved entry, or its published version, uses it. */
function useDeletion({ id, name }: UploadNoticeProps['file'], onDeleted: () => void) {
  const text = useText();
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const [isBusy, setIsBusy] = useState(false);
  const remove = async (): Promise<void> => {
    setIsBusy(true);
    try {
      const { meta } = await fetchFileUsage(id);
      if (meta.useCount > 0) {
        toggleNotification({
          type: 'warning',
          message: text('widgets.note.inUse', { file: name }),
        });
        return;
      }
      await deleteAssets([id]);
      toggleNotification({ type: 'success', message: text('search.delete.done', { count: 1 }) });
      onDeleted();
    } catch (error) {
      toggleNotification({ type: 'danger', message: failureText(error) });
    } finally {
      setIsBusy(false);
    }
  };
  return { isBusy, start: () => void remove() };
}

/** An element of its own, because a press in React's tree of a dialog, or outside it, would close the dialog. */
function useBodyHost(): HTMLElement {
  const [host] = useState(createHost);
  useEffect(() => {
    document.body.append(host);
    return () => {
      host.remove();
    };
  }, [host]);
  return host;
}

const Bar = styled.div`
  position: fixed;
  z-index: 10000;
  inset-inline: ${({ theme }) => theme.spaces[4]};
  top: ${({ theme }) => theme.spaces[4]};
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: ${({ theme }) => `${theme.spaces[2]} ${theme.spaces[4]}`};
  max-width: 72rem;
  margin-inline: auto;
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[4]}`};
  border: 1px solid ${({ theme }) => theme.colors.warning200};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.warning100};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
  /* Strapi's dialogs disable everything outside them. */
  pointer-events: auto;
`;
