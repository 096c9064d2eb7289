import { useCallback } from 'react';
import { useIntl } from 'react-intl';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** From so many of a unit on the next smaller one says nothing more. */
const ENOUGH = 3;

/** A time as people say it, rounded to one unit, in the user's language: “4 min”. */
export function useDuration(): (seconds: number) => string {
  const intl = useIntl();
  return useCallback(
    (seconds) => {
      const [unit, size] = unitOf(seconds);
      return intl.formatNumber(Math.max(1, Math.round(seconds / size)), {
        style: 'unit',
        unit,
        unitDisplay: 'short',
      });
    },
    [intl],
  );
}

function unitOf(seconds: number): ['second' | 'minute' | 'hour' | 'day', number] {
  if (seconds < MINUTE * 2) return ['second', 1];
  if (seconds < HOUR * ENOUGH) return ['minute', MINUTE];
  if (seconds < DAY * ENOUGH) return ['hour', HOUR];
  return ['day', DAY];
}
