import { Box, Button, LinkButton, Flex, Typography } from '@strapi/design-system';
import { Link } from 'react-router-dom';
import type { Scan } from '../../api/duplicates';
import { useDuplicateScan } from '../../hooks/duplicate-scan';
import { useDuration } from '../../hooks/durations';
import { useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useText } from '../../hooks/text';
import { Bar } from '../../components/bar';
import { Card } from './card';

/** How far the comparison of all pictures with each other is; nothing to those who may not see duplicates. */
export function ScanCard() {
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

/** Asked for only by those who may have the answer. */
export function ScanCardIfAllowed() {
  const { may } = useImageSearchPermissions();
  return may.duplicates ? <ScanCard /> : null;
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
  const duration = useDuration();
  const isIncomplete = scan.state === 'done' && scan.failed > 0;
  const values = {
    done: formats.number(scan.done),
    total: formats.number(scan.total),
    found: scan.found,
    date: scan.endedAt === null ? '' : formats.moment(scan.endedAt),
  };
  return (
    <Box>
      {(scan.state === 'running' || scan.state === 'stopped') && (
        <Bar label={text('index.scan.title')} part={scan.done} of={scan.total} />
      )}
      <Typography textColor="neutral600" tag="p">
        {text(`index.scan.state.${isIncomplete ? 'incomplete' : scan.state}`, values)}
        {scan.remainingSeconds !== null &&
          ` · ${text('index.coverage.left', { left: duration(scan.remainingSeconds) })}`}
      </Typography>
      {scan.failed > 0 && scan.state !== 'off' && (
        <Typography variant="pi" textColor="danger600" tag="p">
          {text('index.scan.failed', { count: scan.failed })}
        </Typography>
      )}
      {scan.problem !== null && (
        <Typography variant="pi" textColor="danger600" tag="p">
          {scan.problem}
        </Typography>
      )}
    </Box>
  );
}
