import {
  Box,
  Button,
  Field,
  Flex,
  Link,
  Loader,
  SingleSelect,
  SingleSelectOption,
  TextInput,
  Typography,
} from '@strapi/design-system';
import { useDebounce, useNotification } from '@strapi/strapi/admin';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { NavLink, useHref } from 'react-router-dom';
import { styled } from 'styled-components';
import * as z from 'zod';
import { searchResponseSchema } from '../../../plugin/src/contracts/search';
import { assetSchema, type Asset } from '../api/asset';
import { pluginApi } from '../api/client';
import { ApiFailure } from '../api/failure';
import { fetchWholeFile } from '../api/library';
import { search } from '../api/search';
import { FileImage, nameOf } from '../components/file-image';
import { mediaLibraryAddress, searchAddress, similarAddress } from '../components/navigation';
import { QueryProvider } from '../components/query-provider';
import { useFailureText } from '../hooks/failure-text';
import { useFileIndex } from '../hooks/files';
import { useText } from '../hooks/text';
import { imagesIn, isReplaced, type MediaField } from './entry-images';
import { FileIndexLine } from './file-index-line';
import { startDragging } from './media-fields';

const COUNT = 6;

const WIDTH_PX = 128;

const TYPING_PAUSE_MS = 300;

/** The image isn't indexed. */
const NOT_INDEXED = ['not-ready', 'file-not-found'];

interface SimilarImagesProps {
  /** Of the entry. */
  fields: readonly MediaField[];
  /** Puts a file into a field; null when the entry can't be edited. */
  onUse: ((path: string, file: { id: number }) => void) | null;
}

/** Images like the words in a field, or like one that the entry uses. */
export default function SimilarImages(props: SimilarImagesProps) {
  return (
    <QueryProvider>
      <Panel {...props} />
    </QueryProvider>
  );
}

function Panel({ fields, onUse }: SimilarImagesProps) {
  const text = useText();
  const [typed, setTyped] = useState('');
  const words = useDebounce(typed.trim(), TYPING_PAUSE_MS);
  const [chosenId, setChosenId] = useState<number | null>(null);
  const [chosenPath, setChosenPath] = useState<string | null>(null);
  const images = imagesIn(fields);
  const image = images.find(({ id }) => id === chosenId) ?? images[0];
  const field = fields.find(({ path }) => path === (chosenPath ?? image?.path)) ?? fields[0];
  const target = field && onUse ? { field, onUse } : null;
  return (
    <Flex direction="column" alignItems="stretch" gap={3} width="100%">
      <TextInput
        size="S"
        autoComplete="off"
        aria-label={text('widgets.similar.placeholder')}
        placeholder={text('widgets.similar.placeholder')}
        value={typed}
        onChange={({ target: { value } }) => {
          setTyped(value);
        }}
        onKeyDown={(event) => {
          // The form around it would be saved.
          if (event.key === 'Enter') event.preventDefault();
        }}
      />
      {words === '' && images.length > 1 && (
        <Choice
          label={text('widgets.similar.to')}
          value={String(image?.id)}
          options={images.map(({ id, name }) => ({ value: String(id), label: name }))}
          onChange={(id) => {
            setChosenId(Number(id));
          }}
        />
      )}
      {target && fields.length > 1 && (
        <Choice
          label={text('widgets.similar.field')}
          value={target.field.path}
          options={fields.map(({ path }) => ({ value: path, label: path }))}
          onChange={setChosenPath}
        />
      )}
      {words !== '' && <Found words={words} target={target} />}
      {words === '' && image && <Similar fileId={image.id} target={target} />}
      {words === '' && !image && (
        <Typography variant="pi" textColor="neutral600">
          {text('widgets.similar.none')}
        </Typography>
      )}
    </Flex>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <Field.Root>
      <Field.Label>{label}</Field.Label>
      <SingleSelect
        size="S"
        value={value}
        onChange={(chosen) => {
          onChange(String(chosen));
        }}
      >
        {options.map((option) => (
          <SingleSelectOption key={option.value} value={option.value}>
            {option.label}
          </SingleSelectOption>
        ))}
      </SingleSelect>
    </Field.Root>
  );
}

/** Where images go; null where they can't. */
type Target = { field: MediaField } & { onUse: NonNullable<SimilarImagesProps['onUse']> };

function Found({ words, target }: { words: string; target: Target | null }) {
  const text = useText();
  const { data, error, isPending } = useQuery({
    queryKey: ['images-for-entry', words],
    queryFn: async ({ signal }) => {
      const pagination = { start: 0, limit: COUNT };
      const { data: hits } = await search({
        fields: { text: words },
        image: null,
        pagination,
        signal,
      });
      return hits.map(({ file }) => file);
    },
    staleTime: FRESH_FOR_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <Images
      assets={data ?? []}
      isPending={isPending}
      error={error}
      empty={text('search.nothing.title')}
      more={searchAddress({ text: words, folder: null })}
      target={target}
    />
  );
}

function Similar({ fileId, target }: { fileId: number; target: Target | null }) {
  const text = useText();
  const index = useFileIndex(fileId);
  const isSearchable = index?.isSearchable ?? true;
  const { data, error, isPending } = useSimilarImages(fileId, COUNT, isSearchable);
  if (index && !isSearchable) return <FileIndexLine index={index} />;
  const isUnknown = error instanceof ApiFailure && NOT_INDEXED.includes(error.code);
  return (
    <Images
      assets={data ?? []}
      isPending={isPending}
      error={isUnknown ? null : error}
      empty={text('widgets.similar.empty')}
      more={similarAddress(fileId)}
      target={target}
    />
  );
}

interface ImagesProps {
  assets: readonly Asset[];
  isPending: boolean;
  error: Error | null;
  /** Instead of no images. */
  empty: string;
  /** Address of all of them. */
  more: string;
  target: Target | null;
}

function Images({ assets, isPending, error, empty, more, target }: ImagesProps) {
  const text = useText();
  const failureText = useFailureText();
  if (isPending) return <Loader small>{text('common.loading')}</Loader>;
  if (error || assets.length === 0) {
    return (
      <Typography variant="pi" textColor="neutral600">
        {error ? failureText(error) : empty}
      </Typography>
    );
  }
  return (
    <>
      <List>
        {assets.map((asset) => (
          <li
            key={asset.id}
            draggable={target !== null}
            onDragStart={(event) => {
              if (target) startDragging(event, asset);
            }}
          >
            <SimilarImage asset={asset} />
            {target && <UseButton asset={asset} target={target} />}
          </li>
        ))}
      </List>
      <Link tag={NavLink} to={more}>
        {text('widgets.similar.more')}
      </Link>
    </>
  );
}

/** Adds an image to the field, or replaces the one in it, and says which. */
function UseButton({ asset, target: { field, onUse } }: { asset: Asset; target: Target }) {
  const text = useText();
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const [isBusy, setIsBusy] = useState(false);
  const action = isReplaced(field) ? 'replace' : 'add';
  const names = { name: nameOf(asset), field: field.name };
  const use = async (): Promise<void> => {
    setIsBusy(true);
    try {
      onUse(field.path, await fetchWholeFile(asset.id));
      const outcome = action === 'add' ? 'added' : 'replaced';
      toggleNotification({ type: 'success', message: text(`widgets.similar.${outcome}`, names) });
    } catch (error) {
      toggleNotification({ type: 'danger', message: failureText(error) });
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <Button
      type="button"
      size="S"
      variant="tertiary"
      fullWidth
      loading={isBusy}
      aria-label={text(`widgets.similar.${action}In`, names)}
      onClick={() => void use()}
    >
      {text(`widgets.similar.${action}`)}
    </Button>
  );
}

const FRESH_FOR_MS = 60_000;

const similarSchema = searchResponseSchema.extend({
  data: z.array(searchResponseSchema.shape.data.element.extend({ file: assetSchema })),
});

/**
 * The images most similar to a file, without the file itself.
 *
 * @param isSearchable whether the file is indexed; sends nothing while it isn't
 */
function useSimilarImages(fileId: number, count: number, isSearchable: boolean) {
  return useQuery({
    queryKey: ['similar-images', fileId, count],
    queryFn: async ({ signal }) => {
      const { data } = await pluginApi.get(`/similar/${String(fileId)}`, {
        schema: similarSchema,
        query: { 'pagination[limit]': count },
        signal,
      });
      return data.map(({ file }) => file);
    },
    staleTime: FRESH_FOR_MS,
    enabled: isSearchable,
  });
}

/** Opens in a new tab: the form may have unsaved changes. */
function SimilarImage({ asset }: { asset: Asset }) {
  const text = useText();
  const href = useHref(mediaLibraryAddress(asset.id));
  const label = text('widgets.similar.open', { name: nameOf(asset) });
  return (
    <a href={href} target="_blank" rel="noreferrer" aria-label={label} title={asset.name}>
      <Frame background="neutral100" hasRadius>
        <FileImage asset={asset} width={WIDTH_PX} alternativeText="" />
      </Frame>
    </a>
  );
}

const List = styled.ul`
  display: grid;
  grid-template-columns: repeat(2, 1fr);
  gap: ${({ theme }) => theme.spaces[2]};
`;

const Frame = styled(Box)`
  aspect-ratio: 1;
  overflow: hidden;
`;
