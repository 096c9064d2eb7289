import { Field, Flex, TextInput } from '@strapi/design-system';
import { useEffect, useRef } from 'react';
import { styled } from 'styled-components';
import { useText } from '../../hooks/text';
import { withFilter } from './filter-values';
import { days, type SearchFilters } from './query';

/** Browsers tell of a year while it is typed: 0002, 0020, 0202. */
const EARLIEST = '1000';

interface DayFieldsProps {
  filters: SearchFilters;
  onChange: (filters: SearchFilters) => void;
}

/** The first and the last day on which pictures were uploaded; either may be left open. */
export function DayFields({ filters, onChange }: DayFieldsProps) {
  const text = useText();
  return (
    <Flex gap={2}>
      {days.map((name) => (
        <Field.Root key={name} name={name} flex="1">
          <Field.Label>{text(`search.filter.${name}`)}</Field.Label>
          <DayInput
            value={filters[name]}
            min={name === 'to' ? filters.from : undefined}
            max={name === 'from' ? filters.to : undefined}
            onChange={(day) => {
              onChange(withFilter(filters, name, day));
            }}
          />
        </Field.Root>
      ))}
    </Flex>
  );
}

interface DayInputProps {
  value: string | undefined;
  min: string | undefined;
  max: string | undefined;
  onChange: (day: string | undefined) => void;
}

/** Keeps what is half typed to itself. */
function DayInput({ value = '', min, max, onChange }: DayInputProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current && input.current.value !== value) input.current.value = value;
  }, [value]);
  return (
    <Day
      ref={input}
      type="date"
      size="S"
      defaultValue={value}
      min={min}
      max={max}
      onChange={({ target }) => {
        const day = target.value;
        if (day !== '' && day < EARLIEST) return;
        if (day !== value) onChange(day === '' ? undefined : day);
      }}
    />
  );
}

/** The browser draws the calendar in its own colours. */
const Day = styled<typeof TextInput>(TextInput)`
  color-scheme: ${({ theme }) => theme.colorScheme};
`;
