import { useMemo } from 'react';
import { useIntl, type IntlShape } from 'react-intl';

/** Digits of a similarity or a correlation: enough to tell two close matches apart. */
const SCORE_DIGITS = 3;

/** Numbers, dates, sizes and money as the user's language writes them. */
export function useFormats() {
  const intl = useIntl();
  return useMemo(
    () => ({
      number: (value: number) => intl.formatNumber(value, { maximumFractionDigits: 0 }),
      percent: (share: number) => intl.formatNumber(share, { style: 'percent' }),
      /** A cosine similarity or a correlation, -1 to 1. */
      score: (score: number) =>
        intl.formatNumber(score, {
          minimumFractionDigits: SCORE_DIGITS,
          maximumFractionDigits: SCORE_DIGITS,
        }),
      /** @param kilobytes of 1,000 bytes, as Strapi stores sizes */
      fileSize: (kilobytes: number) => formatFileSize(intl, kilobytes),
      /** Of an image, in pixels. */
      dimensions: (width: number, height: number) =>
        `${intl.formatNumber(width)} × ${intl.formatNumber(height)}`,
      date: (iso: string) => intl.formatDate(iso, { dateStyle: 'medium' }),
      dateTime: (iso: string) => intl.formatDate(iso, { dateStyle: 'medium', timeStyle: 'short' }),
      /** @param month as `2026-01` */
      month: (month: string) =>
        intl.formatDate(`${month}-01T00:00:00Z`, {
          year: 'numeric',
          month: 'long',
          timeZone: 'UTC',
        }),
      duration: (seconds: number) => formatDuration(intl, seconds),
      /** In a video, as players show it: “1:02:05”. */
      position: formatPosition,
      money: (amount: number, currency: string) => formatMoney(intl, amount, currency),
      list: (items: readonly string[]) => intl.formatList(items, { type: 'conjunction' }),
    }),
    [intl],
  );
}

export type Formats = ReturnType<typeof useFormats>;

const BYTES_PER_KILOBYTE = 1_000;
const sizeUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** In the largest unit of which there is at least one. */
function formatFileSize(intl: IntlShape, kilobytes: number): string {
  const bytes = kilobytes * BYTES_PER_KILOBYTE;
  const power = Math.min(
    sizeUnits.length - 1,
    Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(BYTES_PER_KILOBYTE)),
  );
  return intl.formatNumber(bytes / BYTES_PER_KILOBYTE ** power, {
    style: 'unit',
    unit: sizeUnits[power] ?? 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: power > 1 ? 1 : 0,
  });
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

/** Rounded to one unit: “4 min”. */
function formatDuration(intl: IntlShape, seconds: number): string {
  const [unit, size] = durationUnit(seconds);
  return intl.formatNumber(Math.max(1, Math.round(seconds / size)), {
    style: 'unit',
    unit,
    unitDisplay: 'short',
  });
}

/** A larger unit only where rounding to it loses little: 90 seconds, but 3 hours. */
function durationUnit(seconds: number): ['second' | 'minute' | 'hour' | 'day', number] {
  if (seconds < 2 * MINUTE) return ['second', 1];
  if (seconds < 3 * HOUR) return ['minute', MINUTE];
  if (seconds < 3 * DAY) return ['hour', HOUR];
  return ['day', DAY];
}

function formatPosition(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / HOUR), Math.floor((seconds % HOUR) / MINUTE)];
  const padded = (value: number): string => String(value).padStart(2, '0');
  const rest = padded(Math.floor(seconds % MINUTE));
  if (hours === 0) return `${String(minutes)}:${rest}`;
  return `${String(hours)}:${padded(minutes)}:${rest}`;
}

const CENT = 0.01;

/** Amounts below a cent get two significant digits instead of two decimals. */
function formatMoney(intl: IntlShape, amount: number, currency: string): string {
  const isTiny = amount > 0 && amount < CENT;
  const digits = isTiny ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
  try {
    return intl.formatNumber(amount, { style: 'currency', currency, ...digits });
  } catch {
    // The browser doesn't know this currency.
    return `${intl.formatNumber(amount, digits)} ${currency}`;
  }
}
