import { useMemo } from 'react';
import { useIntl } from 'react-intl';

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
const STEP = 1_000;

/** Numbers and dates as the user's language writes them. */
export function useFormats() {
  const intl = useIntl();
  return useMemo(
    () => ({
      number: (value: number, digits = 0) =>
        intl.formatNumber(value, { maximumFractionDigits: digits }),
      percent: (part: number) => intl.formatNumber(part, { style: 'percent' }),
      bytes: (bytes: number) => {
        const power = Math.min(
          units.length - 1,
          Math.max(0, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(STEP))),
        );
        return intl.formatNumber(bytes / STEP ** power, {
          style: 'unit',
          unit: units[power] ?? 'byte',
          unitDisplay: 'short',
          maximumFractionDigits: power > 1 ? 1 : 0,
        });
      },
      date: (iso: string) => intl.formatDate(iso, { dateStyle: 'medium' }),
      moment: (iso: string) => intl.formatDate(iso, { dateStyle: 'medium', timeStyle: 'short' }),
      list: (items: readonly string[]) => intl.formatList(items, { type: 'conjunction' }),
    }),
    [intl],
  );
}

export type Formats = ReturnType<typeof useFormats>;
