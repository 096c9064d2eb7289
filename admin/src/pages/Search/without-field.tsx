import { Field, TextInput } from '@strapi/design-system';
import { useState } from 'react';
import { useText } from '../../hooks/text';
import { withFilter } from './filter-values';
import type { SearchFilters } from './query';

/** Longer than what anybody says of a picture; the server takes more. */
const MOST_CHARACTERS = 200;

interface WithoutFieldProps {
  filters: SearchFilters;
  onChange: (filters: SearchFilters) => void;
}

/** Words for what pictures shall not show. They count when the field is left or Enter is pressed. */
export function WithoutField({ filters, onChange }: WithoutFieldProps) {
  const text = useText();
  const value = filters.without ?? '';
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  if (value !== shown) {
    setShown(value);
    setTyped(value);
  }
  const apply = () => {
    const words = typed.trim();
    if (words !== value) onChange(withFilter(filters, 'without', words === '' ? undefined : words));
  };
  return (
    <Field.Root name="without">
      <Field.Label>{text('search.filter.without')}</Field.Label>
      <TextInput
        size="S"
        autoComplete="off"
        maxLength={MOST_CHARACTERS}
        placeholder={text('search.filter.without.placeholder')}
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
