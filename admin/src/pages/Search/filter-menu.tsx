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
import { Fragment } from 'react';
import { styled } from 'styled-components';
import type { Folder } from '../../api/library';
import { useText } from '../../hooks/text';
import { useFormats } from '../../hooks/formats';
import { DayFields } from './day-fields';
import { listChoices, withFilter, type FilterOption } from './filter-values';
import { days, type FilterName, type SearchFilters } from './query';
import { WithoutField } from './without-field';

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
        <Flex direction="column" alignItems="stretch" gap={4} padding={4} width="34rem">
          <WithoutField filters={filters} onChange={onChange} />
          {listChoices(text, folders ?? []).map(({ name, label, options }) => (
            <Fragment key={name}>
              <Choice
                name={name}
                label={label}
                options={options}
                value={filters[name]}
                onChange={(value) => {
                  onChange(withFilter(filters, name, value));
                }}
              />
              {name === 'days' && <DayFields filters={filters} onChange={onChange} />}
            </Fragment>
          ))}
        </Flex>
      </Popover.Content>
    </Popover.Root>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  options: FilterOption[];
  value: FilterOption['value'] | undefined;
  onChange: (value: FilterOption['value'] | undefined) => void;
}

function Choice({ name, label, options, value, onChange }: ChoiceProps) {
  const text = useText();
  return (
    <Field.Root name={name}>
      <Field.Label>{label}</Field.Label>
      <SingleSelect
        size="S"
        value={value ?? ANY}
        onChange={(chosen) => {
          onChange(chosen === ANY ? undefined : chosen);
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
  );
}

/** As high as the search field beside it. */
const MenuButton = styled<typeof Button>(Button)`
  height: 4.8rem;
`;

/** The filters that are set, each of which can be removed. */
export function FilterTags({ filters, folders, onChange }: FilterProps) {
  const text = useText();
  const tags = useTags(filters, folders ?? []);
  if (tags.length === 0) return null;
  return (
    <Flex gap={2} wrap="wrap" paddingTop={3}>
      {tags.map(({ name, said }) => (
        <Tag
          key={name}
          padding={1}
          icon={<Cross aria-hidden />}
          label={text('search.filters.remove', { name: said })}
          onClick={() => {
            onChange(withFilter(filters, name));
          }}
        >
          {said}
        </Tag>
      ))}
    </Flex>
  );
}

/** What each filter that is set is called. */
function useTags(
  filters: SearchFilters,
  folders: readonly Folder[],
): { name: FilterName; said: string }[] {
  const text = useText();
  const formats = useFormats();
  const chosen = listChoices(text, folders)
    .filter(({ name }) => filters[name] !== undefined)
    .map(({ name, label, options }) => {
      const value = options.find((option) => option.value === filters[name])?.label.trim();
      const isBare = name !== 'folder' && name !== 'type';
      return { name, said: isBare ? (value ?? label) : `${label}: ${value ?? '…'}` };
    });
  const limits = days.flatMap((name) => {
    const day = filters[name];
    if (day === undefined) return [];
    const date = formats.date(`${day}T00:00:00`);
    return [{ name, said: text(`search.filter.${name}.value`, { date }) }];
  });
  const { without } = filters;
  const left =
    without === undefined
      ? []
      : [
          {
            name: 'without' as const,
            said: text('search.filter.without.value', { text: without }),
          },
        ];
  return [...left, ...chosen, ...limits];
}
