import {
  Button,
  Field,
  Flex,
  Popover,
  SingleSelect,
  SingleSelectOption,
  Tag,
} from '@strapi/design-system';
import { Cross, Filter } from '@strapi/icons';
import { styled } from 'styled-components';
import type { Folder } from '../../api/library';
import { useText } from '../../hooks/text';
import { listFilters, withFilter } from './filter-values';
import type { SearchFilters } from './query';

const ANY = 'any';

interface FilterProps {
  filters: SearchFilters;
  /** Null while they are not known. */
  folders: readonly Folder[] | null;
  onChange: (filters: SearchFilters) => void;
}

/** A button that opens all filters at once. */
export function FilterMenu({
  filters,
  folders,
  onChange,
  onOpen,
}: FilterProps & { onOpen: () => void }) {
  const text = useText();
  return (
    <Popover.Root
      onOpenChange={(isOpen) => {
        if (isOpen) onOpen();
      }}
    >
      <Popover.Trigger>
        <MenuButton variant="tertiary" startIcon={<Filter />}>
          {text('search.filters')}
        </MenuButton>
      </Popover.Trigger>
      <Popover.Content align="end" sideOffset={4}>
        <Flex direction="column" alignItems="stretch" gap={4} padding={4} width="28rem">
          {listFilters(text, folders ?? []).map(({ name, label, options }) => (
            <Field.Root key={name} name={name}>
              <Field.Label>{label}</Field.Label>
              <SingleSelect
                size="S"
                value={filters[name] ?? ANY}
                onChange={(value) => {
                  onChange(withFilter(filters, name, value === ANY ? undefined : value));
                }}
              >
                <SingleSelectOption value={ANY}>{text('search.filters.any')}</SingleSelectOption>
                {options.map((option) => (
                  <SingleSelectOption key={option.value} value={option.value}>
                    {option.label}
                  </SingleSelectOption>
                ))}
              </SingleSelect>
            </Field.Root>
          ))}
        </Flex>
      </Popover.Content>
    </Popover.Root>
  );
}

/** As high as the search field beside it. */
const MenuButton = styled<typeof Button>(Button)`
  height: 4.8rem;
`;

/** The filters that are set, each of which can be removed. */
export function FilterTags({ filters, folders, onChange }: FilterProps) {
  const text = useText();
  const set = listFilters(text, folders ?? []).filter(({ name }) => filters[name] !== undefined);
  if (set.length === 0) return null;
  return (
    <Flex gap={2} wrap="wrap" paddingTop={3}>
      {set.map(({ name, label, options }) => {
        const value = options.find((option) => option.value === filters[name])?.label.trim();
        const said = name === 'folder' || name === 'type' ? `${label}: ${value ?? '…'}` : value;
        return (
          <Tag
            key={name}
            padding={1}
            icon={<Cross aria-hidden />}
            label={text('search.filters.remove', { name: said ?? label })}
            onClick={() => {
              onChange(withFilter(filters, name));
            }}
          >
            {said}
          </Tag>
        );
      })}
    </Flex>
  );
}
