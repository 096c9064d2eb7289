import { Box, Flex, IconButton, Typography } from '@strapi/design-system';
import { Cross, Search, ThumbDown, ThumbUp } from '@strapi/icons';
import { useEffect, useRef, type ReactNode } from 'react';
import { styled } from 'styled-components';
import { absoluteUrl, isShownByBrowsers } from '../../../api/asset';
import { FileImage, nameOf } from '../../../components/file-image';
import { useAssets } from '../../../hooks/library';
import { useText } from '../../../hooks/text';
import type { SearchState } from '../page-state';
import { emptyQuery, hasOneImage, removeExample, type SearchQuery } from '../query';
import type { QueryImage } from '../query-images';
import { CropMenu } from './crop';

const CHIP_WIDTH = 24;

interface SearchFieldProps {
  query: SearchQuery;
  image: QueryImage | null;
  typed: string;
  onType: (text: string) => void;
  onCompose: (isComposing: boolean) => void;
  onSubmit: () => void;
  onChange: SearchState['change'];
  /** Whether it has the focus from the start. */
  takesFocus?: boolean;
  /** Buttons at the end of the field. */
  endAction: ReactNode;
}

/** One field for the whole query: images as chips, then text. */
export function SearchField(props: SearchFieldProps) {
  const { query, image, typed, takesFocus = false, endAction } = props;
  const { onType, onCompose, onSubmit, onChange } = props;
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (takesFocus) input.current?.focus({ preventScroll: true });
  }, [takesFocus]);
  const hasChips = query.like.length + query.unlike.length > 0 || image !== null;
  const clear = () => {
    onChange({ ...emptyQuery, filters: query.filters });
    input.current?.focus();
  };
  return (
    <Form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <SearchIcon aria-hidden />
      {hasChips && <Examples query={query} image={image} onChange={onChange} />}
      <TextInput
        ref={input}
        type="text"
        name="text"
        autoComplete="off"
        enterKeyHint="search"
        aria-label={text('search.field.label')}
        placeholder={text(hasChips ? 'search.field.placeholderMore' : 'search.field.placeholder')}
        value={typed}
        onChange={(event) => {
          onType(event.target.value);
        }}
        onCompositionStart={() => {
          onCompose(true);
        }}
        onCompositionEnd={() => {
          onCompose(false);
        }}
      />
      {(hasChips || typed !== '') && (
        <IconButton
          label={text('search.field.clear')}
          variant="ghost"
          type="button"
          onClick={clear}
        >
          <Cross />
        </IconButton>
      )}
      {endAction}
    </Form>
  );
}

function Examples({
  query,
  image,
  onChange,
}: Pick<SearchFieldProps, 'query' | 'image' | 'onChange'>) {
  const text = useText();
  const ids = [...query.like, ...query.unlike];
  const assets = useAssets(ids);
  const canCrop = hasOneImage(query);
  const { region } = query;
  const crop = (source: string | null, name: string): ReactNode =>
    canCrop &&
    source !== null && (
      <CropMenu
        source={source}
        name={name}
        region={region}
        onChange={(next, options) => {
          onChange({ ...query, region: next }, options);
        }}
      />
    );
  return (
    <Flex tag="ul" gap={1} wrap="wrap">
      {image && (
        <ExampleChip
          side="like"
          name={image.name}
          showsName
          isPart={canCrop && region !== null}
          crop={crop(image.preview, image.name)}
          image={image.preview && <Preview src={image.preview} alt="" />}
          onRemove={() => {
            onChange({ ...query, image: null, region: null });
          }}
        />
      )}
      {ids.map((id, index) => {
        const asset = assets[index] ?? null;
        const isLiked = index < query.like.length;
        return (
          <ExampleChip
            key={id}
            side={isLiked ? 'like' : 'unlike'}
            isPart={isLiked && canCrop && region !== null}
            crop={
              isLiked &&
              asset &&
              isShownByBrowsers(asset) &&
              crop(absoluteUrl(asset.url), nameOf(asset))
            }
            name={asset ? nameOf(asset) : text('search.example.file', { id })}
            image={asset && <FileImage asset={asset} width={CHIP_WIDTH} alternativeText="" />}
            onRemove={() => {
              onChange(removeExample(query, id));
            }}
          />
        );
      })}
    </Flex>
  );
}

interface ExampleChipProps {
  side: 'like' | 'unlike';
  name: string;
  /** Shows the name beside the image. */
  showsName?: boolean;
  image: ReactNode;
  /** Whether only a part of it is searched with. */
  isPart?: boolean;
  /** Chooses the part. */
  crop?: ReactNode;
  onRemove: () => void;
}

/** An image that results should look like, or not. */
export function ExampleChip(props: ExampleChipProps) {
  const { side, name, showsName = false, image, isPart = false, crop, onRemove } = props;
  const text = useText();
  const Icon = side === 'like' ? ThumbUp : ThumbDown;
  const label = isPart
    ? text('search.example.likePart', { name })
    : text(`search.example.${side}`, { name });
  return (
    <Chip $side={side} title={label} tag="li">
      <Icon aria-hidden width="1.2rem" height="1.2rem" />
      <Thumbnail>{image}</Thumbnail>
      {showsName && (
        <Typography variant="pi" ellipsis maxWidth="12rem" textColor="neutral800">
          {name}
        </Typography>
      )}
      {crop}
      <RemoveButton
        type="button"
        aria-label={text('search.example.remove', { name: label })}
        onClick={onRemove}
      >
        <Cross aria-hidden width="1rem" height="1rem" />
      </RemoveButton>
    </Chip>
  );
}

const Form = styled.form`
  display: flex;
  flex: 1;
  flex-wrap: wrap;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[1]};
  min-height: 4.8rem;
  padding: 0.6rem 0.6rem 0.6rem 1.4rem;
  background: ${({ theme }) => theme.colors.neutral0};
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  &:focus-within {
    border-color: ${({ theme }) => theme.colors.primary600};
    box-shadow: ${({ theme }) => theme.colors.primary600} 0 0 0 2px;
  }
`;

const SearchIcon = styled(Search)`
  flex: none;
  margin-right: 0.8rem;
  color: ${({ theme }) => theme.colors.neutral600};
`;

const TextInput = styled.input`
  flex: 1;
  min-width: 12rem;
  height: 3.2rem;
  border: 0;
  outline: 0;
  background: transparent;
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[3]};
  &::placeholder {
    color: ${({ theme }) => theme.colors.neutral600};
    opacity: 1;
  }
`;

const Preview = styled.img`
  display: block;
  width: 100%;
  height: 100%;
  object-fit: cover;
`;

const Chip = styled(Flex)<{ $side: 'like' | 'unlike' }>`
  flex: none;
  gap: 0.6rem;
  height: 3.2rem;
  padding: 0 0.2rem 0 0.8rem;
  border-radius: ${({ theme }) => theme.borderRadius};
  border: 1px solid
    ${({ theme, $side }) => theme.colors[$side === 'like' ? 'primary200' : 'danger200']};
  background: ${({ theme, $side }) => theme.colors[$side === 'like' ? 'primary100' : 'danger100']};
  color: ${({ theme, $side }) => theme.colors[$side === 'like' ? 'primary700' : 'danger700']};
`;

const Thumbnail = styled(Box)`
  width: 2.4rem;
  height: 2.4rem;
  overflow: hidden;
  border-radius: 2px;
  background: ${({ theme }) => theme.colors.neutral0};
`;

const RemoveButton = styled.button`
  display: flex;
  align-items: center;
  justify-content: center;
  width: 2.4rem;
  height: 2.4rem;
  border-radius: ${({ theme }) => theme.borderRadius};
  color: inherit;
  cursor: pointer;
  &:hover {
    background: ${({ theme }) => theme.colors.neutral0};
  }
`;
