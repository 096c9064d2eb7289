import { Box, Flex, Grid, Status as StatusBadge, Typography } from '@strapi/design-system';
import type { Status } from '../../api/management';
import { useDuration } from '../../hooks/durations';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Bar } from '../../components/bar';
import { Card } from './card';
import { indexStateOf, remainingOf } from './index-state';

/** How much of the library can be found, and how fast that grows. */
export function CoverageCard({ status }: { status: Status }) {
  const text = useText();
  const formats = useFormats();
  const state = indexStateOf(status);
  const { counts, total } = status;
  const indexed = counts.indexed;
  return (
    <Card
      title={text('index.coverage.title')}
      actions={
        <StatusBadge variant={state.variant} size="S">
          <Typography variant="pi" fontWeight="bold">
            {text(state.label)}
          </Typography>
        </StatusBadge>
      }
    >
      <Flex alignItems="baseline" gap={2} paddingBottom={3} wrap="wrap">
        <Typography variant="alpha" tag="p">
          {formats.number(indexed)}
        </Typography>
        <Typography textColor="neutral600">
          {text('index.coverage.ofTotal', { total: formats.number(total) })}
        </Typography>
      </Flex>
      <Bar label={text('index.coverage.title')} part={indexed} of={total} />
      <Box paddingTop={2} minHeight="2.8rem">
        <Pace status={status} />
      </Box>
      <Grid.Root gap={4} paddingTop={4}>
        {figures.map(({ label, value }) => (
          <Grid.Item key={label} col={4} xs={4} direction="column" alignItems="start">
            <Typography variant="beta" tag="p">
              {formats.number(value(status))}
            </Typography>
            <Typography variant="pi" textColor="neutral600">
              {text(label)}
            </Typography>
          </Grid.Item>
        ))}
      </Grid.Root>
    </Card>
  );
}

const figures = [
  { label: 'index.coverage.waiting', value: remainingOf },
  { label: 'index.coverage.failed', value: ({ counts }: Status) => counts.failed },
  { label: 'index.coverage.skipped', value: ({ counts }: Status) => counts.skipped },
] as const;

/** Speed and time left of the space that searches are answered in. */
function Pace({ status }: { status: Status }) {
  const text = useText();
  const formats = useFormats();
  const duration = useDuration();
  const space = status.spaces.find(({ role }) => role === 'answering');
  if (status.hold || remainingOf(status) === 0 || !space || space.perMinute === 0) return null;
  const perMinute = formats.number(space.perMinute);
  return (
    <Typography variant="pi" textColor="neutral600" aria-live="off">
      {space.remainingSeconds === null
        ? text('index.coverage.speed', { perMinute })
        : text('index.coverage.pace', { perMinute, left: duration(space.remainingSeconds) })}
    </Typography>
  );
}
