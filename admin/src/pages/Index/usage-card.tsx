import { Box, Flex, Typography } from '@strapi/design-system';
import { styled } from 'styled-components';
import type { ProviderUsage, Usage } from '../../../../plugin/src/contracts/billing';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { ProgressBar } from '../../components/progress-bar';
import { Card } from './card';

/** What models processed this month, what that costs, and what is left of the budget. */
export function UsageCard({ usage }: { usage: Usage }) {
  const text = useText();
  const formats = useFormats();
  const currency = usage.budget?.currency ?? 'USD';
  return (
    <Card title={text('index.usage.title', { month: formats.month(usage.month) })}>
      {usage.providers.length === 0 ? (
        <Typography textColor="neutral600">{text('index.usage.empty')}</Typography>
      ) : (
        <Flex tag="ul" direction="column" alignItems="stretch">
          {usage.providers.map((provider) => (
            <Line
              key={`${provider.provider} ${provider.model}`}
              tag="li"
              paddingTop={2}
              paddingBottom={2}
            >
              <ProviderLine provider={provider} currency={currency} />
            </Line>
          ))}
        </Flex>
      )}
      {usage.budget && <Budget usage={usage} budget={usage.budget} />}
    </Card>
  );
}

function ProviderLine({ provider, currency }: { provider: ProviderUsage; currency: string }) {
  const text = useText();
  const formats = useFormats();
  const { cost, images, isEstimated, model, texts, tokens } = provider;
  const counts = [
    text('index.usage.images', { count: images }),
    text('index.usage.texts', { count: texts }),
    ...(tokens === null ? [] : [text('index.usage.tokens', { count: tokens })]),
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
          ? text('index.usage.noPrice')
          : `${isEstimated && cost > 0 ? '≈ ' : ''}${formats.money(cost, currency)}`}
      </Typography>
    </Flex>
  );
}

function Budget({ usage, budget }: { usage: Usage; budget: NonNullable<Usage['budget']> }) {
  const text = useText();
  const formats = useFormats();
  // Local models don't count toward the budget.
  const paid = usage.providers.filter(({ cost }) => cost !== 0);
  const images = paid.reduce((sum, provider) => sum + provider.images, 0);
  const spent = paid.reduce((sum, provider) => sum + (provider.cost ?? 0), 0);
  const limits = [
    budget.imagesPerMonth !== null && {
      part: images,
      of: budget.imagesPerMonth,
      label: text('index.usage.budgetImages', {
        used: formats.number(images),
        limit: formats.number(budget.imagesPerMonth),
      }),
    },
    budget.moneyPerMonth !== null && {
      part: spent,
      of: budget.moneyPerMonth,
      label: text('index.usage.budgetMoney', {
        used: formats.money(spent, budget.currency),
        limit: formats.money(budget.moneyPerMonth, budget.currency),
      }),
    },
  ].filter((limit) => limit !== false);
  return (
    <Flex direction="column" alignItems="stretch" gap={3} paddingTop={4}>
      {limits.map(({ label, part, of }) => (
        <Box key={label}>
          <ProgressBar label={label} part={part} of={of} />
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
