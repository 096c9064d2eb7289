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
import { useState } from 'react';
import { NavLink, useHref } from 'react-router-dom';
import { styled } from 'styled-components';
import { ApiFailure } from '../api/failure';
import type { Asset } from '../api/asset';
import { fetchWholeFile } from '../api/library';
import { nameOf, Picture } from '../components/picture';
import { QueryProvider } from '../components/query-provider';
import { useFailureText } from '../hooks/failure-text';
import { useFileIndex } from '../hooks/file-index';
import { useSimilarPictures } from '../hooks/similar-pictures';
import { useText } from '../hooks/text';
import { mediaLibraryAddress, similarAddress } from '../api/addresses';
import type { EntryPicture } from './entry-pictures';
import { FileIndexLine } from './file-index-line';

const COUNT = 6;
const WIDTH_PX = 96;
/** The picture itself is not in the index yet, or never will be. */
const NOT_INDEXED = ['not-ready', 'file-not-found'];

interface SimilarPicturesProps {
  pictures: readonly EntryPicture[];
  /** Puts a file into the field that has a picture of the entry; null when the entry cannot be changed. */
  onUse: ((picture: EntryPicture, file: { id: number }) => void) | null;
}

/** A handful of similar pictures for one of those that an entry uses. */
export default function SimilarPictures({ pictures, onUse }: SimilarPicturesProps) {
  const text = useText();
  const [chosen, setChosen] = useState<number | null>(null);
  const picture = pictures.find(({ id }) => id === chosen) ?? pictures[0];
  if (!picture) {
    return (
      <Typography variant="pi" textColor="neutral600">
        {text('widgets.similar.none')}
      </Typography>
    );
  }
  return (
    <QueryProvider>
      <Flex direction="column" alignItems="stretch" gap={3} width="100%">
        {pictures.length > 1 && (
          <SingleSelect
            aria-label={text('widgets.similar.to')}
            size="S"
            value={picture.id}
            onChange={(id) => {
              setChosen(Number(id));
            }}
          >
            {pictures.map(({ id, name }) => (
              <SingleSelectOption key={id} value={id}>
                {name}
              </SingleSelectOption>
            ))}
          </SingleSelect>
        )}
        <Similar picture={picture} onUse={onUse} />
      </Flex>
    </QueryProvider>
  );
}

function Similar({
  picture,
  onUse,
}: { picture: EntryPicture } & Pick<SimilarPicturesProps, 'onUse'>) {
  const fileId = picture.id;
  const text = useText();
  const field = useInField(picture, onUse);
  const failureText = useFailureText();
  const index = useFileIndex(fileId);
  const isFindable = index?.isFindable ?? true;
  const { data, error, isPending } = useSimilarPictures(fileId, COUNT, isFindable);
  if (index && !isFindable) return <FileIndexLine index={index} />;
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
      <Pictures>
        {data.map((asset) => (
          <Item key={asset.id}>
            <SimilarPicture asset={asset} />
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
      </Pictures>
      <Link tag={NavLink} to={similarAddress(fileId)}>
        {text('widgets.similar.more')}
      </Link>
    </>
  );
}

/** Puts a picture in the place of the one that the entry has, or beside it in a field of several; null without a form. */
function useInField(picture: EntryPicture, onUse: SimilarPicturesProps['onUse']) {
  const text = useText();
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const [isBusy, setIsBusy] = useState(false);
  if (onUse === null) return null;
  const use = async (asset: Asset): Promise<void> => {
    setIsBusy(true);
    try {
      onUse(picture, await fetchWholeFile(asset.id));
      const message = text('widgets.similar.used', { name: nameOf(asset) });
      toggleNotification({ type: 'success', message });
    } catch (error) {
      toggleNotification({ type: 'danger', message: failureText(error) });
    } finally {
      setIsBusy(false);
    }
  };
  return { use, isBusy };
}

/** Opens beside the form, which may hold what is not saved. */
function SimilarPicture({ asset }: { asset: Asset }) {
  const text = useText();
  const href = useHref(mediaLibraryAddress(asset.id));
  const label = text('widgets.similar.open', { name: nameOf(asset) });
  return (
    <a href={href} target="_blank" rel="noreferrer" aria-label={label} title={asset.name}>
      <Frame background="neutral100" hasRadius>
        <Picture asset={asset} width={WIDTH_PX} alternativeText="" />
      </Frame>
    </a>
  );
}

const Pictures = styled.ul`
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
