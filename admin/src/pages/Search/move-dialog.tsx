import {
  Button,
  Field,
  Modal,
  SingleSelect,
  SingleSelectOption,
  Typography,
} from '@strapi/design-system';
import { useNotification } from '@strapi/strapi/admin';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { moveAssets } from '../../api/library';
import { useFolders } from '../../hooks/library';
import { searchKey } from '../../hooks/search';
import { useText } from '../../hooks/text';

const TOP = 'top';

interface MoveDialogProps {
  ids: readonly number[];
  onClose: () => void;
  onMoved: () => void;
}

/** Asks for the folder, and moves files there as the Media Library does. */
export function MoveDialog({ ids, onClose, onMoved }: MoveDialogProps) {
  const text = useText();
  const { toggleNotification } = useNotification();
  const queryClient = useQueryClient();
  const folders = useFolders(true) ?? [];
  /** The select hands out texts, whatever it was given. */
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
