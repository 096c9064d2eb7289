import { Box, Button, Field, Flex, Modal, TextInput, Typography } from '@strapi/design-system';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import { saveTexts } from '../../../api/library';
import { FileImage } from '../../../components/file-image';
import { useFailureText } from '../../../hooks/failure-text';
import { libraryKeys } from '../../../hooks/library';
import { useText } from '../../../hooks/text';
import { searchKey } from '../page-state';
import { SuggestedText } from './suggested-text';

const WIDTH_PX = 640;

interface EditTextsDialogProps {
  assets: readonly Asset[];
  onClose: () => void;
}

/** Writes the alternative text and caption of one image after the other. */
export function EditTextsDialog({ assets, onClose }: EditTextsDialogProps) {
  const text = useText();
  const queryClient = useQueryClient();
  /** As selected when the dialog opened: saving may change what the search finds. */
  const [queue] = useState(assets);
  const [index, setIndex] = useState(0);
  const asset = queue[index];
  const close = () => {
    void queryClient.invalidateQueries({ queryKey: searchKey });
    onClose();
  };
  if (!asset) return null;
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) close();
      }}
    >
      <Modal.Content aria-describedby={undefined}>
        <Modal.Header closeLabel={text('search.edit.close')}>
          <Modal.Title>
            {text('search.edit.title', { index: index + 1, count: queue.length })}
          </Modal.Title>
        </Modal.Header>
        <TextsForm
          key={asset.id}
          asset={asset}
          isLast={index === queue.length - 1}
          onNext={() => {
            if (index < queue.length - 1) setIndex(index + 1);
            else close();
          }}
          onClose={close}
        />
      </Modal.Content>
    </Modal.Root>
  );
}

interface TextsFormProps {
  asset: Asset;
  isLast: boolean;
  onNext: () => void;
  onClose: () => void;
}

function TextsForm({ asset, isLast, onNext, onClose }: TextsFormProps) {
  const text = useText();
  const failureText = useFailureText();
  const queryClient = useQueryClient();
  const nameId = useId();
  const [alternativeText, setAlternativeText] = useState(asset.alternativeText ?? '');
  const [caption, setCaption] = useState(asset.caption ?? '');
  const save = useMutation({
    mutationFn: () =>
      // What wasn't edited here may have been elsewhere.
      saveTexts(asset.id, {
        ...(alternativeText !== (asset.alternativeText ?? '') && {
          alternativeText: alternativeText.trim(),
        }),
        ...(caption !== (asset.caption ?? '') && { caption: caption.trim() }),
      }),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: libraryKeys.asset(asset.id) });
      onNext();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Box overflow="auto">
        <Preview>
          <FileImage asset={asset} width={WIDTH_PX} fit="contain" alternativeText={asset.name} />
        </Preview>
        <Flex direction="column" alignItems="stretch" gap={4} padding={5}>
          <Typography id={nameId} variant="pi" textColor="neutral600" ellipsis>
            {asset.name}
          </Typography>
          <Field.Root name="alternativeText" hint={text('search.edit.hint')}>
            <Field.Label>{text('search.details.alternativeText')}</Field.Label>
            <TextInput
              autoFocus
              autoComplete="off"
              aria-describedby={nameId}
              value={alternativeText}
              onChange={({ target }) => {
                setAlternativeText(target.value);
              }}
            />
            <Field.Hint />
          </Field.Root>
          {alternativeText.trim() === '' && (
            <SuggestedText
              asset={asset}
              action={text('search.suggestion.use')}
              onUse={setAlternativeText}
            />
          )}
          <Field.Root name="caption">
            <Field.Label>{text('search.details.caption')}</Field.Label>
            <TextInput
              autoComplete="off"
              value={caption}
              onChange={({ target }) => {
                setCaption(target.value);
              }}
            />
          </Field.Root>
          {save.error && (
            <Typography role="alert" textColor="danger600">
              {failureText(save.error)}
            </Typography>
          )}
        </Flex>
      </Box>
      <Modal.Footer>
        <Button variant="tertiary" type="button" onClick={onClose}>
          {text('search.move.cancel')}
        </Button>
        <Flex gap={2}>
          {!isLast && (
            <Button variant="tertiary" type="button" disabled={save.isPending} onClick={onNext}>
              {text('search.edit.skip')}
            </Button>
          )}
          <Button type="submit" loading={save.isPending}>
            {text(isLast ? 'search.edit.save' : 'search.edit.saveNext')}
          </Button>
        </Flex>
      </Modal.Footer>
    </form>
  );
}

const Preview = styled(Box)`
  height: 32rem;
  max-height: 40dvh;
  background: ${({ theme }) => theme.colors.neutral100};
`;
