import { Flex, Typography } from '@strapi/design-system';
import { useEffect, useId, useRef } from 'react';
import { styled } from 'styled-components';
import { basicColors, colorNames, isColorName } from '../../../../../plugin/src/contracts/search';
import { useText } from '../../../hooks/text';
import type { FacetCounts } from '../page-state';

interface ColorFieldProps {
  /** A basic color, or one as `#rrggbb`. */
  color: string | undefined;
  counts: FacetCounts['color'];
  onChange: (color: string | undefined) => void;
}

/** Chooses a basic color, of which another click takes it back, or any other. */
export function ColorField({ color, counts, onChange }: ColorFieldProps) {
  const text = useText();
  const labelId = useId();
  const labelOf = (name: (typeof colorNames)[number]): string => {
    const label = text(`search.filter.color.${name}`);
    const count = counts && (counts.counts.get(name) ?? 0);
    if (count === undefined) return label;
    const key = counts?.isLowerBound ? 'search.filter.countMore' : 'search.filter.count';
    return text(key, { label, count });
  };
  return (
    <Flex role="group" aria-labelledby={labelId} direction="column" alignItems="stretch" gap={1}>
      <Typography id={labelId} variant="pi" fontWeight="bold">
        {text('search.filter.color')}
      </Typography>
      <Flex gap={2} wrap="wrap">
        {colorNames.map((name) => (
          <Swatch
            key={name}
            type="button"
            $color={basicColors[name]}
            aria-label={labelOf(name)}
            aria-pressed={color === name}
            title={labelOf(name)}
            onClick={() => {
              onChange(color === name ? undefined : name);
            }}
          />
        ))}
        <OtherColor color={color} onChange={onChange} />
      </Flex>
    </Flex>
  );
}

/** Uncontrolled: browsers report every color on the way to the one that is chosen. */
function OtherColor({ color, onChange }: Pick<ColorFieldProps, 'color' | 'onChange'>) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const isChosen = color !== undefined && !isColorName(color);
  const value = isChosen ? longForm(color) : '#808080';
  useEffect(() => {
    if (input.current) input.current.value = value;
  }, [value]);
  useEffect(() => {
    const element = input.current;
    if (!element) return undefined;
    const choose = () => {
      onChange(element.value);
    };
    // React's `onChange` is the browser's `input`.
    element.addEventListener('change', choose);
    return () => {
      element.removeEventListener('change', choose);
    };
  }, [onChange]);
  return (
    <ColorInput
      ref={input}
      type="color"
      defaultValue={value}
      aria-label={text('search.filter.color.other')}
      title={text('search.filter.color.other')}
      $isChosen={isChosen}
    />
  );
}

/** `#rrggbb`, which is all that the browser's input takes. */
function longForm(color: string): string {
  const digits = color.replace('#', '');
  return `#${digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits}`;
}

const SIZE = '2.8rem';
const ALL_COLORS = 'background-image: conic-gradient(red, yellow, lime, aqua, blue, magenta, red);';

/** A round button that shows a color; a ring marks the pressed one. */
export const Swatch = styled.button<{ $color: string }>`
  flex: none;
  width: ${SIZE};
  height: ${SIZE};
  border-radius: 50%;
  cursor: pointer;
  background: ${({ $color }) => $color};
  border: 1px solid ${({ theme }) => theme.colors.neutral300};
  &[aria-pressed='true'] {
    border: 2px solid ${({ theme }) => theme.colors.neutral0};
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;

/** Shows all colors until one is chosen. */
const ColorInput = styled.input<{ $isChosen: boolean }>`
  flex: none;
  width: ${SIZE};
  height: ${SIZE};
  padding: 0;
  overflow: hidden;
  cursor: pointer;
  appearance: none;
  border-radius: 50%;
  background: none;
  border: 1px solid ${({ theme }) => theme.colors.neutral300};
  outline: ${({ $isChosen, theme }) =>
    $isChosen ? `2px solid ${theme.colors.primary600}` : 'none'};
  &::-webkit-color-swatch-wrapper {
    padding: 0;
  }
  &::-webkit-color-swatch {
    border: none;
    ${({ $isChosen }) => !$isChosen && ALL_COLORS}
  }
  &::-moz-color-swatch {
    border: none;
    ${({ $isChosen }) => !$isChosen && ALL_COLORS}
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;
