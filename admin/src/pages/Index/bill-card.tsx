import { Box, Flex, Typography } from '@strapi/design-system';
import { useIntl } from 'react-intl';
import { styled } from 'styled-components';
import type { Bill, BilledProvider } from '../../../../plugin/src/contracts/billing';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Bar } from '../../components/bar';
import { Card } from './card';
import { useMoney } from './money';

/** What models did this month, what that costs, and what is left of the budget. */
export function BillCard({ bill }: { bill: Bill }) {
  const text = useText();
  const intl = useIntl();
  const month = intl.formatDate(`${bill.month}-01T00:00:00Z`, {
    ...{ year: 'numeric', month: 'long', timeZone: 'UTC' },
  });
  const currency = bill.budget?.currency ?? 'USD';
  return (
    <Card title={text('index.bill.title', { month })}>
      {bill.providers.length === 0 ? (
        <Typography textColor="neutral600">{text('index.bill.empty')}</Typography>
      ) : (
        <Flex tag="ul" direction="column" alignItems="stretch">
          {bill.providers.map((billed) => (
            <Line
              key={`${billed.provider} ${billed.model}`}
              tag="li"
              paddingTop={2}
              paddingBottom={2}
            >
              <Billed billed={billed} currency={currency} />
            </Line>
          ))}
        </Flex>
      )}
      {bill.budget && <Budget bill={bill} budget={bill.budget} />}
    </Card>
  );
}

function Billed({ billed, currency }: { billed: BilledProvider; currency: string }) {
  const text = useText();
  const formats = useFormats();
  const money = useMoney(currency);
  const { cost, images, isEstimated, model, texts, tokens } = billed;
  const counts = [
    text('index.bill.images', { count: images }),
    text('index.bill.texts', { count: texts }),
    ...(tokens === null ? [] : [text('index.bill.tokens', { count: tokens })]),
  ];
  return (
    <Flex justifyContent="space-between" alignItems="flex-start" gap={4}>
      <Box minWidth={0}>
        <Typography fontWeight="semiBold" tag="h3" style={{ overflowWrap: 'anywhere' }}>
          {model}
        </Typography>
        <Typography variant="pi" textColor="neutral600" tag="p">
          {formats.list(counts)}
        </Typography>
      </Box>
      <Typography fontWeight="semiBold" style={{ whiteSpace: 'nowrap' }}>
        {cost === null
          ? text('index.bill.noPrice')
          : `${isEstimated && cost > 0 ? '≈ ' : ''}${money(cost)}`}
      </Typography>
    </Flex>
  );
}

function Budget({ bill, budget }: { bill: Bill; budget: NonNullable<Bill['budget']> }) {
  const text = useText();
  const formats = useFormats();
  const money = useMoney(budget.currency);
  // A local model costs nothing, whatever it does.
  const paid = bill.providers.filter(({ cost }) => cost !== 0);
  const images = paid.reduce((sum, billed) => sum + billed.images, 0);
  const spent = paid.reduce((sum, billed) => sum + (billed.cost ?? 0), 0);
  const limits = [
    budget.imagesPerMonth !== null && {
      part: images,
      of: budget.imagesPerMonth,
      label: text('index.bill.budgetImages', {
        used: formats.number(images),
        limit: formats.number(budget.imagesPerMonth),
      }),
    },
    budget.moneyPerMonth !== null && {
      part: spent,
      of: budget.moneyPerMonth,
      label: text('index.bill.budgetMoney', {
        used: money(spent),
        limit: money(budget.moneyPerMonth),
      }),
    },
  ].filter((limit) => limit !== false);
  return (
    <Flex direction="column" alignItems="stretch" gap={3} paddingTop={4}>
      {limits.map(({ label, part, of }) => (
        <Box key={label}>
          <Bar label={label} part={part} of={of} />
          <Typography variant="pi" textColor="neutral600">
            {label}
          </Typography>
        </Box>
      ))}
    </Flex>
  );
}

const Line = styled(Box)`
  & + & {
    border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
  }
`;
