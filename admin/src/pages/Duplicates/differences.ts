import { isLossless, type MergeReport } from '../../../../plugin/src/contracts/merging';
import type { Asset } from '../../api/asset';
import type { Formats } from '../../hooks/formats';
import type { Text } from '../../hooks/text';
import type { Side } from './shown-pair';

const properties = [
  'pixels',
  'bytes',
  'format',
  'usage',
  'alternativeText',
  'folder',
  'age',
] as const;
type Property = (typeof properties)[number];

/** What one property is for each of two files. */
export interface Difference {
  property: Property;
  left: string;
  right: string;
  isEqual: boolean;
  /** Which of the two would be the greater loss; null where that is a matter of taste. */
  better: Side | null;
}

/** As it is shown, and how much there is of it; null for what cannot be weighed. */
interface Value {
  shown: string;
  weight: number | null;
}

interface Words {
  text: Text;
  formats: Formats;
  /** Null while, or because, it is not known how the files are used. */
  report: MergeReport | null;
}

const BYTES_PER_KILOBYTE = 1_000;

/** Two files, property by property. */
export function differencesOf(left: Asset, right: Asset, words: Words): Difference[] {
  return properties.map((property) => {
    const one = valueOf[property](left, words);
    const other = valueOf[property](right, words);
    return {
      property,
      left: one.shown,
      right: other.shown,
      isEqual: one.shown === other.shown,
      better: one.shown === other.shown ? null : betterOf(one.weight, other.weight),
    };
  });
}

const valueOf: Record<Property, (file: Asset, words: Words) => Value> = {
  pixels: ({ width, height }, { text, formats }) =>
    width && height
      ? {
          shown: `${formats.number(width)} × ${formats.number(height)}`,
          weight: width * height,
        }
      : unknown(text),
  bytes: ({ size }, { text, formats }) =>
    size ? { shown: formats.bytes(size * BYTES_PER_KILOBYTE), weight: null } : unknown(text),
  format: ({ mime, ext }) => ({
    shown: (mime.split('/')[1] ?? ext ?? mime).replace('svg+xml', 'svg').toUpperCase(),
    weight: isLossless(mime) ? 1 : 0,
  }),
  usage: ({ id }, { text, report }) => {
    const uses = report?.files.find((file) => file.id === id)?.useCount;
    if (uses === undefined) return unknown(text);
    return { shown: text('duplicates.uses', { count: uses }), weight: uses };
  },
  alternativeText: ({ alternativeText }, { text }) => {
    const has = alternativeText?.trim() ? 1 : 0;
    return {
      shown: has ? (alternativeText ?? '') : text('duplicates.none'),
      weight: has,
    };
  },
  folder: ({ folder }, { text }) => ({
    shown: folder?.name ?? text('duplicates.folder.top'),
    weight: null,
  }),
  age: ({ createdAt }, { text, formats }) =>
    createdAt
      ? { shown: formats.moment(createdAt), weight: -new Date(createdAt).getTime() }
      : unknown(text),
};

function unknown(text: Text): Value {
  return { shown: text('duplicates.unknown'), weight: null };
}

function betterOf(left: number | null, right: number | null): Side | null {
  if (left === null || right === null || left === right) return null;
  return left > right ? 'left' : 'right';
}
