import {
  Box,
  Button,
  Field,
  Flex,
  Modal,
  Popover,
  SingleSelect,
  SingleSelectOption,
  Tag,
  TextInput,
} from '@strapi/design-system';
import { Cross, Filter } from '@strapi/icons';
import { useIsMobile } from '@strapi/strapi/admin';
import { Fragment, useEffect, useRef, useState } from 'react';
import { styled } from 'styled-components';
import {
  facetNames,
  fileKinds,
  isColorName,
  orientations,
  type FacetName,
} from '../../../../../plugin/src/contracts/search';
import type { Folder } from '../../../api/library';
import { useFormats } from '../../../hooks/formats';
import { useText, type Text } from '../../../hooks/text';
import type { FacetCounts } from '../page-state';
import {
  ages,
  dayFilters,
  imageTypes,
  readAmong,
  setFilter,
  type ChoiceName,
  type FilterName,
  type SearchFilters,
} from '../query';
import { ColorField } from './color-field';

interface FieldProps {
  filters: SearchFilters;
  onChange: (filters: SearchFilters) => void;
}

interface FilterProps extends FieldProps {
  /** Null until they are loaded. */
  folders: readonly Folder[] | null;
  /** The tags that images get; none unless the configuration has a vocabulary. */
  tagNames: readonly string[];
}

interface MenuProps extends FilterProps {
  counts: FacetCounts;
  /** In which images were uploaded, as far as known. */
  years: readonly number[];
}

/** A button that opens all filters at once: beside it, or as a sheet on small screens. */
export function FilterMenu(props: MenuProps & { onShow: (isShown: boolean) => void }) {
  const text = useText();
  const isSmall = useIsMobile();
  const [isOpen, setIsOpen] = useState(false);
  const button = (
    <MenuButton variant="tertiary" startIcon={<Filter />} aria-label={text('search.filters')}>
      {text('search.filters')}
    </MenuButton>
  );
  const change = (opens: boolean) => {
    setIsOpen(opens);
    props.onShow(opens);
  };
  if (isSmall) {
    return (
      <Modal.Root open={isOpen} onOpenChange={change}>
        <Modal.Trigger>{button}</Modal.Trigger>
        <Sheet aria-describedby={undefined}>
          <Modal.Header closeLabel={text('search.filters.close')}>
            <Modal.Title>{text('search.filters')}</Modal.Title>
          </Modal.Header>
          <Box padding={4} overflow="auto">
            <FilterFields {...props} />
          </Box>
          <Modal.Footer>
            <Button
              variant="tertiary"
              onClick={() => {
                props.onChange({});
              }}
            >
              {text('search.nothing.filtered.action')}
            </Button>
            <Modal.Close>
              <Button>{text('search.filters.done')}</Button>
            </Modal.Close>
          </Modal.Footer>
        </Sheet>
      </Modal.Root>
    );
  }
  return (
    <Popover.Root open={isOpen} onOpenChange={change}>
      <Popover.Trigger>{button}</Popover.Trigger>
      <Popover.Content align="end" sideOffset={4}>
        <Box
          padding={4}
          width="34rem"
          // What the window has below the button.
          maxHeight="calc(var(--radix-popover-content-available-height) - 1rem)"
          overflow="auto"
        >
          <FilterFields {...props} />
        </Box>
      </Popover.Content>
    </Popover.Root>
  );
}

function FilterFields({ counts, filters, folders, onChange, tagNames, years }: MenuProps) {
  const text = useText();
  const chosen = filters.year === undefined ? [] : [filters.year];
  // Most libraries have images only.
  const others = fileKinds.filter((kind) => kind !== 'image');
  const hasOthers =
    filters.kind !== undefined || others.some((kind) => (counts.kind?.counts.get(kind) ?? 0) > 0);
  const choices = listChoices(text, {
    folders: folders ?? [],
    tagNames,
    years: [...years, ...chosen],
  }).filter(({ name }) => name !== 'kind' || hasOthers);
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <ExcludeField filters={filters} onChange={onChange} />
      <ColorField
        color={filters.color}
        counts={counts.color}
        onChange={(color) => {
          onChange(setFilter(filters, 'color', color));
        }}
      />
      {choices.map((choice) => (
        <Fragment key={choice.name}>
          <ChoiceField choice={choice} counts={counts} filters={filters} onChange={onChange} />
          {choice.name === 'days' && <DayFields filters={filters} onChange={onChange} />}
        </Fragment>
      ))}
    </Flex>
  );
}

/** Shorter than what the server accepts, longer than anyone describes an image. */
const MAX_EXCLUDE_LENGTH = 200;

/** Describes what images must not show. Applies on Enter or when the field loses focus. */
function ExcludeField({ filters, onChange }: FieldProps) {
  const text = useText();
  const value = filters.exclude ?? '';
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  if (value !== shown) {
    setShown(value);
    setTyped(value);
  }
  const apply = () => {
    const next = typed.trim();
    if (next !== value) onChange(setFilter(filters, 'exclude', next === '' ? undefined : next));
  };
  return (
    <Field.Root name="without">
      <Field.Label>{text('search.filter.exclude')}</Field.Label>
      <TextInput
        size="S"
        autoComplete="off"
        maxLength={MAX_EXCLUDE_LENGTH}
        placeholder={text('search.filter.exclude.placeholder')}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
        }}
        onBlur={apply}
        onKeyDown={({ key, nativeEvent }) => {
          if (key === 'Enter' && !nativeEvent.isComposing) apply();
        }}
      />
    </Field.Root>
  );
}

const ANY = 'any';

function ChoiceField({
  choice,
  counts,
  filters,
  onChange,
}: FieldProps & { choice: Choice; counts: FacetCounts }) {
  const text = useText();
  const { name, label, options } = choice;
  const counted = isFacet(name) ? counts[name] : undefined;
  const labelOf = (option: Choice['options'][number]): string => {
    const count = counted?.counts.get(option.value);
    if (counted === undefined || count === undefined) return option.label;
    const key = counted.isLowerBound ? 'search.filter.countMore' : 'search.filter.count';
    return text(key, { label: option.label, count });
  };
  return (
    <Field.Root name={name}>
      <Field.Label>{label}</Field.Label>
      <SingleSelect
        size="S"
        value={filters[name] ?? ANY}
        onChange={(value) => {
          onChange(setFilter(filters, name, value === ANY ? undefined : value));
        }}
      >
        <SingleSelectOption value={ANY}>{text('search.filters.any')}</SingleSelectOption>
        {options.map((option) => (
          <SingleSelectOption key={option.value} value={option.value}>
            {labelOf(option)}
          </SingleSelectOption>
        ))}
      </SingleSelect>
    </Field.Root>
  );
}

function isFacet(name: ChoiceName): name is FacetName & ChoiceName {
  return (facetNames as readonly string[]).includes(name);
}

/** The first and last day of upload; either may stay empty. */
function DayFields({ filters, onChange }: FieldProps) {
  const text = useText();
  return (
    <Flex gap={2}>
      {dayFilters.map((name) => (
        <Field.Root key={name} name={name} flex="1" minWidth={0}>
          <Field.Label>{text(`search.filter.${name}`)}</Field.Label>
          <DayInput
            value={filters[name]}
            min={name === 'to' ? filters.from : undefined}
            max={name === 'from' ? filters.to : undefined}
            onChange={(day) => {
              onChange(setFilter(filters, name, day));
            }}
          />
        </Field.Root>
      ))}
    </Flex>
  );
}

/** Browsers report a year while it is being typed: 0002, 0020, 0202. */
const EARLIEST_YEAR = '1000';

interface DayInputProps {
  value: string | undefined;
  min: string | undefined;
  max: string | undefined;
  onChange: (day: string | undefined) => void;
}

/** Uncontrolled, so that a half-typed day stays in the input. */
function DayInput({ value = '', min, max, onChange }: DayInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current && input.current.value !== value) input.current.value = value;
  }, [value]);
  return (
    <ThemedDateInput
      ref={input}
      type="date"
      size="S"
      defaultValue={value}
      min={min}
      max={max}
      onChange={({ target }) => {
        const day = target.value;
        if (day !== '' && day < EARLIEST_YEAR) return;
        if (day !== value) onChange(day === '' ? undefined : day);
      }}
    />
  );
}

/** The filters that are set, each with a button to remove it. */
export function FilterTags({ filters, folders, onChange, tagNames }: FilterProps) {
  const text = useText();
  const tags = useTags(filters, { folders: folders ?? [], tagNames });
  if (tags.length === 0) return null;
  return (
    <Flex gap={2} wrap="wrap" paddingTop={3}>
      {tags.map(({ name, label }) => (
        <Tag
          key={name}
          padding={1}
          icon={<Cross aria-hidden />}
          label={text('search.filters.remove', { name: label })}
          onClick={() => {
            onChange(setFilter(filters, name));
          }}
        >
          {label}
        </Tag>
      ))}
    </Flex>
  );
}

interface FilterTag {
  name: FilterName;
  label: string;
}

function useTags(
  filters: SearchFilters,
  { folders, tagNames }: { folders: readonly Folder[]; tagNames: readonly string[] },
): FilterTag[] {
  const text = useText();
  const formats = useFormats();
  const tags: FilterTag[] = [];
  if (filters.exclude !== undefined) {
    const label = text('search.filter.exclude.value', { text: filters.exclude });
    tags.push({ name: 'exclude', label });
  }
  if (filters.among !== undefined) {
    const count = readAmong(filters.among).length;
    tags.push({ name: 'among', label: text('search.filter.among.value', { count }) });
  }
  const years = filters.year === undefined ? [] : [filters.year];
  for (const { name, label, options } of listChoices(text, { folders, tagNames, years })) {
    if (filters[name] === undefined) continue;
    const value = options.find((option) => option.value === filters[name])?.label.trim();
    const needsName = isFacet(name);
    tags.push({ name, label: needsName ? `${label}: ${value ?? '…'}` : (value ?? label) });
  }
  if (filters.color !== undefined) {
    const color = isColorName(filters.color)
      ? text(`search.filter.color.${filters.color}`)
      : filters.color;
    tags.push({ name: 'color', label: `${text('search.filter.color')}: ${color}` });
  }
  for (const name of dayFilters) {
    const day = filters[name];
    if (day === undefined) continue;
    const date = formats.date(`${day}T00:00:00`);
    tags.push({ name, label: text(`search.filter.${name}.value`, { date }) });
  }
  return tags;
}

interface Choice {
  name: ChoiceName;
  label: string;
  options: { value: string | number; label: string }[];
}

/** The filters to choose a value for, in the order of the menu. */
function listChoices(
  text: Text,
  {
    folders,
    tagNames,
    years,
  }: { folders: readonly Folder[]; tagNames: readonly string[]; years: readonly number[] },
): Choice[] {
  const options = {
    tags: tagNames.map((value) => ({ value, label: value })),
    folder: folders.map(({ id, name, depth }) => ({
      value: id,
      label: `${'\u2003'.repeat(depth)}${name}`,
    })),
    kind: fileKinds.map((value) => ({ value, label: text(`search.filter.kind.${value}`) })),
    type: imageTypes.map((value) => ({
      value,
      label: value === 'svg+xml' ? 'SVG' : value.toUpperCase(),
    })),
    year: [...new Set(years)]
      .sort((one, other) => other - one)
      .map((value) => ({ value, label: String(value) })),
    days: ages.map((days) => ({ value: days, label: text('search.filter.days.value', { days }) })),
    orientation: orientations.map((value) => ({
      value,
      label: text(`search.filter.orientation.${value}`),
    })),
    alternativeText: (['with', 'without'] as const).map((value) => ({
      value,
      label: text(`search.filter.alternativeText.${value}`),
    })),
    usage: (['used', 'unused'] as const).map((value) => ({
      value,
      label: text(`search.filter.usage.${value}`),
    })),
  } satisfies Record<ChoiceName, Choice['options']>;
  const names = (Object.keys(options) as ChoiceName[]).filter(
    (name) => name !== 'tags' || tagNames.length > 0,
  );
  return names.map((name) => ({
    name,
    label: text(`search.filter.${name}`),
    options: options[name],
  }));
}

/** As high as the search field beside it; an icon alone on small screens. */
const MenuButton = styled<typeof Button>(Button)`
  flex: none;
  height: 4.8rem;
  > span:last-child {
    display: none;
  }
  ${({ theme }) => theme.breakpoints.medium} {
    > span:last-child {
      display: inline;
    }
  }
`;

/** At the bottom of the window, where thumbs are. */
const Sheet = styled(Modal.Content)`
  && {
    inset: auto 0 0 0;
    width: 100%;
    max-width: 100%;
    max-height: 85dvh;
    transform: none;
    border-radius: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[3]} 0 0`};
    animation-name: none;
  }
`;

/** Makes the browser's calendar follow the theme. */
const ThemedDateInput = styled<typeof TextInput>(TextInput)`
  color-scheme: ${({ theme }) => theme.colorScheme};
`;
