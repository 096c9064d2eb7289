import { Flex, IconButton } from '@strapi/design-system';
import { Cross, Search } from '@strapi/icons';
import { useRef, type ReactNode } from 'react';
import { styled } from 'styled-components';
import { Picture, nameOf } from '../../components/picture';
import { useAssets } from '../../hooks/library';
import type { QueryPicture } from '../../hooks/search';
import { useText } from '../../hooks/text';
import { ExampleChip } from './example-chip';
import { emptyQuery, removeExample, type SearchQuery } from './query';

const CHIP_WIDTH = 24;

interface SearchFieldProps {
  query: SearchQuery;
  picture: QueryPicture | null;
  typed: string;
  onType: (text: string) => void;
  onCompose: (isComposing: boolean) => void;
  onSubmit: () => void;
  onChange: (query: SearchQuery) => void;
  /** Buttons within the field, at its end. */
  endAction: ReactNode;
}

/** One field for the whole question: pictures as chips, then words. */
export function SearchField(props: SearchFieldProps) {
  const { query, picture, typed, onType, onCompose, onSubmit, onChange, endAction } = props;
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const hasChips = query.like.length + query.unlike.length > 0 || picture !== null;
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
      <Lens aria-hidden />
      {hasChips && <Examples query={query} picture={picture} onChange={onChange} />}
      <Words
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
  picture,
  onChange,
}: Pick<SearchFieldProps, 'query' | 'picture' | 'onChange'>) {
  const text = useText();
  const ids = [...query.like, ...query.unlike];
  const assets = useAssets(ids);
  return (
    <Flex tag="ul" gap={1} wrap="wrap">
      {picture && (
        <ExampleChip
          side="like"
          name={picture.name}
          showsName
          picture={picture.preview && <Preview src={picture.preview} alt="" />}
          onRemove={() => {
            onChange({ ...query, picture: null });
          }}
        />
      )}
      {ids.map((id, index) => {
        const asset = assets[index] ?? null;
        return (
          <ExampleChip
            key={id}
            side={index < query.like.length ? 'like' : 'unlike'}
            name={asset ? nameOf(asset) : text('search.example.file', { id })}
            picture={asset && <Picture asset={asset} width={CHIP_WIDTH} alternativeText="" />}
            onRemove={() => {
              onChange(removeExample(query, id));
            }}
          />
        );
      })}
    </Flex>
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

const Lens = styled(Search)`
  flex: none;
  margin-right: 0.8rem;
  color: ${({ theme }) => theme.colors.neutral600};
`;

const Words = styled.input`
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
