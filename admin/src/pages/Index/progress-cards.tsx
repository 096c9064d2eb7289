import {
  Box,
  Button,
  Flex,
  Grid,
  LinkButton,
  Status as StatusBadge,
  Typography,
} from '@strapi/design-system';
import { Link } from 'react-router-dom';
import type { Scan } from '../../api/duplicates';
import type { Status } from '../../api/management';
import { ProgressBar } from '../../components/progress-bar';
import { useDuplicateScan } from '../../hooks/duplicates';
import { explainProblem, useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useText } from '../../hooks/text';
import type { TextKey } from '../../translations/messages';
import { Card } from './card';
import { isAbandoned } from './spaces-card';

/** How much of the library is searchable, and how fast that grows. */
export function CoverageCard({ status }: { status: Status }) {
  const text = useText();
  const formats = useFormats();
  const state = indexStateOf(status);
  const { searchable, total } = status;
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
          {formats.number(searchable)}
        </Typography>
        <Typography textColor="neutral600">
          {text('index.coverage.ofTotal', { total: formats.number(total) })}
        </Typography>
      </Flex>
      <ProgressBar label={text('index.coverage.title')} part={searchable} of={total} />
      <Box paddingTop={2} minHeight="2.8rem">
        <Speed status={status} />
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

/** Speed and time left in the active space. */
function Speed({ status }: { status: Status }) {
  const text = useText();
  const formats = useFormats();
  const space = status.spaces.find(({ role }) => role === 'active');
  const isWaiting = status.hold !== null || status.worker.state === 'paused';
  if (isWaiting || remainingOf(status) === 0 || !space || space.perMinute === 0) return null;
  const perMinute = formats.number(space.perMinute);
  return (
    <Typography variant="pi" textColor="neutral600" aria-live="off">
      {space.remainingSeconds === null
        ? text('index.coverage.speed', { perMinute })
        : text('index.coverage.pace', {
            perMinute,
            left: formats.duration(space.remainingSeconds),
          })}
    </Typography>
  );
}

interface IndexState {
  label: TextKey;
  variant: 'success' | 'primary' | 'warning' | 'danger' | 'neutral';
}

/** What the index is doing, in one word; what matters most wins. */
function indexStateOf(status: Status): IndexState {
  const { hold, preparation, spaces, worker } = status;
  if (hold) return { label: 'index.state.stopped', variant: 'warning' };
  if (worker.state === 'paused') return { label: 'index.state.paused', variant: 'danger' };
  if (preparation !== null) return { label: 'index.state.preparing', variant: 'primary' };
  const isBuilding = spaces.some((space) => space.role === 'building' && !isAbandoned(space));
  if (remainingOf(status) > 0 || isBuilding) {
    return { label: 'index.state.indexing', variant: 'primary' };
  }
  if (status.isReconciling) return { label: 'index.state.syncing', variant: 'primary' };
  if (!status.provider.ok) return { label: 'index.state.paused', variant: 'danger' };
  if (worker.state === 'disabled') return { label: 'index.state.disabled', variant: 'neutral' };
  return { label: 'index.state.current', variant: 'success' };
}

/** Images waiting for the active space. */
function remainingOf({ counts }: Pick<Status, 'counts'>): number {
  return counts.pending + counts.indexing;
}

/** How far the scan for duplicates is. Requests nothing for roles that may not see duplicates. */
export function ScanCard() {
  const { may } = useImageSearchPermissions();
  return may.duplicates ? <AllowedScanCard /> : null;
}

function AllowedScanCard() {
  const text = useText();
  const failureText = useFailureText();
  const { scan, start, stop, isBusy, error } = useDuplicateScan();
  if (scan === null) return null;
  const isRunning = scan.state === 'running';
  return (
    <Card
      title={text('index.scan.title')}
      actions={
        scan.state !== 'off' && (
          <Button variant="tertiary" loading={isBusy} onClick={isRunning ? stop : start}>
            {text(actionOf[scan.state])}
          </Button>
        )
      }
    >
      <Flex direction="column" alignItems="stretch" gap={3}>
        <Progress scan={scan} />
        {error && (
          <Typography variant="pi" textColor="danger600" role="alert">
            {failureText(error)}
          </Typography>
        )}
        <Flex>
          <LinkButton tag={Link} to="../duplicates" variant="secondary" size="S">
            {text('index.scan.open')}
          </LinkButton>
        </Flex>
      </Flex>
    </Card>
  );
}

const actionOf = {
  never: 'index.scan.start',
  done: 'index.scan.again',
  stopped: 'index.scan.resume',
  running: 'index.scan.stop',
} as const;

function Progress({ scan }: { scan: Scan }) {
  const text = useText();
  const formats = useFormats();
  const isIncomplete = scan.state === 'done' && scan.failed > 0;
  const values = {
    done: formats.number(scan.done),
    total: formats.number(scan.total),
    toReview: scan.toReview,
    date: scan.endedAt === null ? '' : formats.dateTime(scan.endedAt),
  };
  return (
    <Box>
      {(scan.state === 'running' || scan.state === 'stopped') && (
        <ProgressBar label={text('index.scan.title')} part={scan.done} of={scan.total} />
      )}
      <Typography textColor="neutral600" tag="p">
        {text(`index.scan.state.${isIncomplete ? 'incomplete' : scan.state}`, values)}
        {scan.state === 'running' &&
          scan.remainingSeconds !== null &&
          ` · ${text('index.coverage.left', { left: formats.duration(scan.remainingSeconds) })}`}
      </Typography>
      {scan.failed > 0 && scan.state !== 'off' && (
        <Typography variant="pi" textColor="danger600" tag="p">
          {text('index.scan.failed', { count: scan.failed })}
        </Typography>
      )}
      {scan.problem !== null && (
        <Typography variant="pi" textColor="danger600" tag="p">
          {explainProblem(scan.problem, text)}
        </Typography>
      )}
    </Box>
  );
}
