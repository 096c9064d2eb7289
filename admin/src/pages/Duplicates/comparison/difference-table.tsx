import { Flex, Typography, VisuallyHidden } from '@strapi/design-system';
import { CheckCircle } from '@strapi/icons';
import { styled } from 'styled-components';
import { isLossless, type MergeReport } from '../../../../../plugin/src/contracts/merging';
import type { Asset } from '../../../api/asset';
import { useFormats, type Formats } from '../../../hooks/formats';
import { useText, type Text } from '../../../hooks/text';
import type { ShownPair, Side } from './pair';

/** Two files, property by property; the better value is marked. */
export function DifferenceTable({
  left,
  right,
  report,
}: ShownPair & { report: MergeReport | null }) {
  const text = useText();
  const formats = useFormats();
  return (
    <Table>
      <caption>
        <VisuallyHidden>{text('duplicates.table')}</VisuallyHidden>
      </caption>
      <thead>
        <tr>
          <td />
          {[left, right].map(({ id, name }) => (
            <th key={id} scope="col">
              <Typography variant="sigma" textColor="neutral600">
                {name}
              </Typography>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {differencesOf(left, right, { text, formats, report }).map((difference) => (
          <tr key={difference.property}>
            <th scope="row">
              <Typography variant="pi" textColor="neutral600">
                {text(`duplicates.property.${difference.property}`)}
              </Typography>
            </th>
            <Cell difference={difference} side="left" />
            <Cell difference={difference} side="right" />
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Cell({ difference, side }: { difference: Difference; side: Side }) {
  const text = useText();
  const isBetter = difference.better === side;
  return (
    <td>
      <Flex gap={2}>
        <Typography
          variant="omega"
          textColor={difference.isEqual ? 'neutral600' : 'neutral800'}
          fontWeight={difference.isEqual ? 'regular' : 'semiBold'}
        >
          {difference[side]}
        </Typography>
        {isBetter && (
          <>
            <BetterMark aria-hidden />
            <VisuallyHidden>{text(`duplicates.better.${difference.property}`)}</VisuallyHidden>
          </>
        )}
      </Flex>
    </td>
  );
}

const BetterMark = styled(CheckCircle)`
  flex-shrink: 0;
  fill: ${({ theme }) => theme.colors.success600};
  & path {
    fill: ${({ theme }) => theme.colors.success600};
  }
`;

const Table = styled.table`
  width: 100%;
  border-collapse: collapse;
  table-layout: fixed;
  th,
  td {
    padding: ${({ theme }) => `${theme.spaces[2]} ${theme.spaces[3]}`};
    text-align: start;
    vertical-align: top;
    overflow-wrap: anywhere;
  }
  tr > :first-child {
    width: 12rem;
    padding-inline-start: 0;
  }
  tbody tr {
    border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
  }
  thead span {
    text-transform: none;
  }
`;

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

/** One property of two files. */
interface Difference {
  property: Property;
  left: string;
  right: string;
  isEqual: boolean;
  /** Null when neither is better. */
  better: Side | null;
}

interface Value {
  shown: string;
  /** More is better; null when that can't be said. */
  weight: number | null;
}

interface Context {
  text: Text;
  formats: Formats;
  /** Null while the use of the files is unknown. */
  report: MergeReport | null;
}

function differencesOf(left: Asset, right: Asset, context: Context): Difference[] {
  return properties.map((property) => {
    const one = valueOf[property](left, context);
    const other = valueOf[property](right, context);
    return {
      property,
      left: one.shown,
      right: other.shown,
      isEqual: one.shown === other.shown,
      better: one.shown === other.shown ? null : betterOf(one.weight, other.weight),
    };
  });
}

const valueOf: Record<Property, (file: Asset, context: Context) => Value> = {
  pixels: ({ width, height }, { text, formats }) =>
    width && height
      ? {
          shown: formats.dimensions(width, height),
          weight: width * height,
        }
      : unknown(text),
  bytes: ({ size }, { text, formats }) =>
    size ? { shown: formats.fileSize(size), weight: null } : unknown(text),
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
      ? { shown: formats.dateTime(createdAt), weight: -new Date(createdAt).getTime() }
      : unknown(text),
};

function unknown(text: Text): Value {
  return { shown: text('duplicates.unknown'), weight: null };
}

function betterOf(left: number | null, right: number | null): Side | null {
  if (left === null || right === null || left === right) return null;
  return left > right ? 'left' : 'right';
}
