import { Box, Button, Flex, ProgressBar, Typography } from '@strapi/design-system';
import type { Scan } from '../../api/duplicates';
import { useText } from '../../hooks/text';
import type { ScanControl } from './scan';

interface ScanBarProps {
  scan: Scan;
  /** Why it was not started or stopped; null when nobody wanted that in vain. */
  failure: string | null;
  /** Pairs that were found since the list was loaded. */
  unseen: number;
  onShow: () => void;
}

/** How far the comparison of the library is, what keeps it, and what it found meanwhile; nothing while all is quiet. */
export function ScanBar({ scan, failure, unseen, onShow }: ScanBarProps) {
  const text = useText();
  const isRunning = scan.state === 'running';
  const trouble = failure ?? scan.problem;
  if (!isRunning && unseen === 0 && trouble === null) return null;
  return (
    <Box padding={4} background="neutral0" hasRadius shadow="tableShadow" tag="section">
      <Flex direction="column" alignItems="stretch" gap={3}>
        {isRunning && (
          <ProgressBar
            aria-label={text('duplicates.scan.progress')}
            value={scan.total > 0 ? Math.round((scan.done / scan.total) * 100) : 0}
          />
        )}
        {trouble !== null && (
          <Typography tag="p" role="alert" textColor="danger700">
            {trouble}
          </Typography>
        )}
        {unseen > 0 && (
          <Flex gap={3}>
            <Typography textColor="neutral700">
              {text('duplicates.scan.unseen', { count: unseen })}
            </Typography>
            <Button size="S" variant="secondary" onClick={onShow}>
              {text('duplicates.scan.show')}
            </Button>
          </Flex>
        )}
      </Flex>
    </Box>
  );
}

/** Starts, goes on or stops, whichever makes sense. */
export function ScanButton({ scan, control }: { scan: Scan; control: ScanControl }) {
  const text = useText();
  const { state } = scan;
  if (state === 'off') return null;
  const isRunning = state === 'running';
  return (
    <Button
      variant={state === 'never' ? 'default' : 'secondary'}
      loading={control.isBusy}
      onClick={isRunning ? control.stop : control.start}
    >
      {text(`duplicates.scan.button.${state}`)}
    </Button>
  );
}
