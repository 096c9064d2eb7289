import { orientations } from '../../../../plugin/src/contracts/search';
import type { Folder } from '../../api/library';
import type { Text } from '../../hooks/text';
import { ages, pictureTypes, type ChoiceName, type FilterName, type SearchFilters } from './query';

export interface FilterOption {
  value: string | number;
  label: string;
}

/** Every filter that is a choice with what it can be set to, in the order in which they are offered. */
export function listChoices(
  text: Text,
  folders: readonly Folder[],
): { name: ChoiceName; label: string; options: FilterOption[] }[] {
  const options = {
    folder: folders.map(({ id, name, depth }) => ({
      value: id,
      label: `${'\u2003'.repeat(depth)}${name}`,
    })),
    type: pictureTypes.map((value) => ({ value, label: typeLabel(value) })),
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
  } satisfies Record<ChoiceName, FilterOption[]>;
  return (Object.keys(options) as ChoiceName[]).map((name) => ({
    name,
    label: text(`search.filter.${name}`),
    options: options[name],
  }));
}

/** Without the value, no filter of that name. Days back and days of the calendar exclude each other. */
export function withFilter(
  filters: SearchFilters,
  name: FilterName,
  value?: string | number,
): SearchFilters {
  const isDay = name === 'from' || name === 'to';
  const without = isDay
    ? { days: undefined }
    : name === 'days' && { from: undefined, to: undefined };
  return { ...filters, ...without, [name]: value };
}

function typeLabel(type: (typeof pictureTypes)[number]): string {
  return type === 'svg+xml' ? 'SVG' : type.toUpperCase();
}
