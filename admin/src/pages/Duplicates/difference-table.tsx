import { Flex, Typography, VisuallyHidden } from '@strapi/design-system';
import { CheckCircle } from '@strapi/icons';
import { styled } from 'styled-components';
import type { MergeReport } from '../../../../plugin/src/contracts/merging';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { differencesOf, type Difference } from './differences';
import type { ShownPair, Side } from './shown-pair';

/** What two files have in common and in what they differ; the better one of the two is marked. */
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
