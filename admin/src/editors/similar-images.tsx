import {
  Box,
  Flex,
  IconButton,
  Link,
  Loader,
  SingleSelect,
  SingleSelectOption,
  Typography,
} from '@strapi/design-system';
import { Plus } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { NavLink, useHref } from 'react-router-dom';
import { styled } from 'styled-components';
import * as z from 'zod';
import { searchResponseSchema } from '../../../plugin/src/contracts/search';
import { assetSchema, type Asset } from '../api/asset';
import { pluginApi } from '../api/client';
import { ApiFailure } from '../api/failure';
import { fetchWholeFile } from '../api/library';
import { FileImage, nameOf } from '../components/file-image';
import { mediaLibraryAddress, similarAddress } from '../components/navigation';
import { QueryProvider } from '../components/query-provider';
import { useFailureText } from '../hooks/failure-text';
import { useFileIndex } from '../hooks/files';
import { useText } from '../hooks/text';
import type { EntryImage } from './entry-images';
import { FileIndexLine } from './file-index-line';

const COUNT = 6;

const WIDTH_PX = 96;

/** The image isn't indexed. */
const NOT_INDEXED = ['not-ready', 'file-not-found'];

interface SimilarImagesProps {
  images: readonly EntryImage[];
  /** Puts a file in an image's field; null when the entry can't be edited. */
  onUse: ((image: EntryImage, file: { id: number }) => void) | null;
}

/** Images similar to one that the entry uses. */
export default function SimilarImages({ images, onUse }: SimilarImagesProps) {
  const text = useText();
  const [chosen, setChosen] = useState<number | null>(null);
  const image = images.find(({ id }) => id === chosen) ?? images[0];
  if (!image) {
    return (
      <Typography variant="pi" textColor="neutral600">
        {text('widgets.similar.none')}
      </Typography>
    );
  }
  return (
    <QueryProvider>
      <Flex direction="column" alignItems="stretch" gap={3} width="100%">
        {images.length > 1 && (
          <SingleSelect
            aria-label={text('widgets.similar.to')}
            size="S"
            value={image.id}
            onChange={(id) => {
              setChosen(Number(id));
            }}
          >
            {images.map(({ id, name }) => (
              <SingleSelectOption key={id} value={id}>
                {name}
              </SingleSelectOption>
            ))}
          </SingleSelect>
        )}
        <Similar image={image} onUse={onUse} />
      </Flex>
    </QueryProvider>
  );
}

function Similar({ image, onUse }: { image: EntryImage } & Pick<SimilarImagesProps, 'onUse'>) {
  const fileId = image.id;
  const text = useText();
  const field = useInField(image, onUse);
  const failureText = useFailureText();
  const index = useFileIndex(fileId);
  const isSearchable = index?.isSearchable ?? true;
  const { data, error, isPending } = useSimilarImages(fileId, COUNT, isSearchable);
  if (index && !isSearchable) return <FileIndexLine index={index} />;
  if (isPending) return <Loader small>{text('common.loading')}</Loader>;
  if (error || data.length === 0) {
    const isUnknown = error instanceof ApiFailure && NOT_INDEXED.includes(error.code);
    return (
      <Typography variant="pi" textColor="neutral600">
        {error && !isUnknown ? failureText(error) : text('widgets.similar.empty')}
      </Typography>
    );
  }
  return (
    <>
      <Images>
        {data.map((asset) => (
          <Item key={asset.id}>
            <SimilarImage asset={asset} />
            {field && (
              <Corner>
                <IconButton
                  size="XS"
                  label={text('widgets.similar.use', { name: nameOf(asset) })}
                  disabled={field.isBusy}
                  onClick={() => void field.use(asset)}
                >
                  <Plus />
                </IconButton>
              </Corner>
            )}
          </Item>
        ))}
      </Images>
      <Link tag={NavLink} to={similarAddress(fileId)}>
        {text('widgets.similar.more')}
      </Link>
    </>
  );
}

/** Replaces the entry's image, or adds to it in a field of several; null without a form. */
function useInField(image: EntryImage, onUse: SimilarImagesProps['onUse']) {
  const text = useText();
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const [isBusy, setIsBusy] = useState(false);
  if (onUse === null) return null;
  const use = async (asset: Asset): Promise<void> => {
    setIsBusy(true);
    try {
      onUse(image, await fetchWholeFile(asset.id));
      const outcome = image.siblings === null ? 'replaced' : 'added';
      const message = text(`widgets.similar.${outcome}`, { name: nameOf(asset) });
      toggleNotification({ type: 'success', message });
    } catch (error) {
      toggleNotification({ type: 'danger', message: failureText(error) });
    } finally {
      setIsBusy(false);
    }
  };
  return { use, isBusy };
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

const Images = styled.ul`
  display: grid;
  grid-template-columns: repeat(3, 1fr);
  gap: ${({ theme }) => theme.spaces[2]};
`;

const Item = styled.li`
  position: relative;
`;

const Corner = styled.div`
  position: absolute;
  right: ${({ theme }) => theme.spaces[1]};
  bottom: ${({ theme }) => theme.spaces[1]};
`;

const Frame = styled(Box)`
  aspect-ratio: 1;
  overflow: hidden;
`;
