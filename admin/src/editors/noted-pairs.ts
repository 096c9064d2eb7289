import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';

const KEY = `${PLUGIN_ID}.noted-pairs`;

/**
 * Up to which pair of duplicates the uploads of this browser were told of: all of its tabs tell of a pair once. Null when
 * that is not known, or the browser keeps nothing.
 */
export const notedPairs = {
  read(): number | null {
    try {
      const after = Number(localStorage.getItem(KEY) ?? Number.NaN);
      return Number.isInteger(after) ? after : null;
    } catch {
      return null;
    }
  },
  write(after: number): void {
    try {
      localStorage.setItem(KEY, String(after));
    } catch {
      // Then it is known for as long as the page is open.
    }
  },
};
