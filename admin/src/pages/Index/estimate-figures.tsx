import { Box, Flex, Grid, Loader, Typography } from '@strapi/design-system';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { ReindexScope } from '../../../../plugin/src/contracts/management';
import { managementApi, type Estimate } from '../../api/management';
import { useDuration } from '../../hooks/durations';
import { useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { useMoney } from './money';
import { Note } from './note';

/** What indexing so much again would take: pictures and time, and what a hosted model counts. */
export function EstimateFigures({ scope }: { scope: ReindexScope }) {
  const text = useText();
  const failureText = useFailureText();
  const { data, error } = useQuery({
    queryKey: ['estimate', scope],
    queryFn: ({ signal }) => managementApi.estimate(scope, signal),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  return (
    <Box background="neutral100" hasRadius padding={4} aria-live="polite">
      <Typography variant="sigma" tag="h3" textColor="neutral600">
        {text('index.estimate.title')}
      </Typography>
      <Box paddingTop={3}>
        {data ? (
          <Figures estimate={data} />
        ) : error ? null : (
          <Loader small>{text('common.loading')}</Loader>
        )}
        {error && <Note tone="warning">{failureText(error)}</Note>}
      </Box>
    </Box>
  );
}

function Figures({ estimate }: { estimate: Estimate }) {
  const text = useText();
  const formats = useFormats();
  const duration = useDuration();
  const money = useMoney(estimate.currency);
  const { affordableImages, spaces, total } = estimate;
  const isLocal = spaces.every((space) => space.isLocal);
  const show = (value: number | null, format: (known: number) => string): string =>
    value === null ? text('index.estimate.unknown') : format(value);
  const figures = [
    { label: text('index.estimate.images'), value: formats.number(total.images) },
    { label: text('index.estimate.time'), value: show(total.seconds, duration) },
    ...(isLocal
      ? []
      : [
          { label: text('index.estimate.requests'), value: show(total.requests, formats.number) },
          { label: text('index.estimate.tokens'), value: show(total.tokens, formats.number) },
          { label: text('index.estimate.cost'), value: show(total.cost, money) },
        ]),
  ];
  const isTooMuch = !isLocal && affordableImages !== null && total.images > affordableImages;
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <Grid.Root gap={4}>
        {figures.map(({ label, value }) => (
          <Grid.Item key={label} col={4} xs={6} direction="column" alignItems="start">
            <Typography variant="pi" textColor="neutral600">
              {label}
            </Typography>
            <Typography fontWeight="bold">{value}</Typography>
          </Grid.Item>
        ))}
      </Grid.Root>
      {isLocal && (
        <Typography variant="pi" textColor="neutral600">
          {text('index.estimate.local')}
        </Typography>
      )}
      {isTooMuch && (
        <Note tone="warning">
          {text('index.estimate.tooMuch', { affordable: formats.number(affordableImages) })}
        </Note>
      )}
    </Flex>
  );
}
