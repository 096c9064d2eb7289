import { useCallback } from 'react';
import { useIntl } from 'react-intl';

const CENT = 0.01;

/** Money in the user's language; less than a cent with as many digits as it takes. */
export function useMoney(currency: string): (amount: number) => string {
  const intl = useIntl();
  return useCallback(
    (amount) => {
      const isTiny = amount > 0 && amount < CENT;
      const digits = isTiny ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
      try {
        return intl.formatNumber(amount, { style: 'currency', currency, ...digits });
      } catch {
        // A currency that the browser does not know.
        return `${intl.formatNumber(amount, digits)} ${currency}`;
      }
    },
    [intl, currency],
  );
}
