import { Box, Button, Flex, Typography } from '@strapi/design-system';
import { useEffect, useState } from 'react';
import type { Scan } from '../../../api/duplicates';
import { ProgressBar } from '../../../components/progress-bar';
import { useDuplicateScan } from '../../../hooks/duplicates';
import { explainProblem, useDuplicatesFailureText } from '../../../hooks/failure-text';
import { useFormats, type Formats } from '../../../hooks/formats';
import { useImageSearchPermissions } from '../../../hooks/permissions';
import { useText, type Text } from '../../../hooks/text';

export interface ScanControl {
  isBusy: boolean;
  start: () => void;
  stop: () => void;
}

/** The scan of the whole library, with the texts that describe it. */
export function useScan() {
  const text = useText();
  const failureText = useDuplicatesFailureText();
  const formats = useFormats();
  const { may } = useImageSearchPermissions();
  const { scan, error, ...control } = useDuplicateScan();
  return {
    scan,
    /** Undefined for roles that may not start and stop it. */
    control: may.manage ? (control satisfies ScanControl) : undefined,
    failure: error && failureText(error),
    line: scan ? scanLine(scan, text, formats) : text('duplicates.subtitle'),
  };
}

/**
 * Counts what a running scan finds. New pairs belong at the top of the list, so they are added only on request: the list
 * must not jump during a review. An empty list shows them at once.
 */
export function useUnseenFindings(
  scan: Scan | null,
  list: { groups: readonly unknown[]; isLoading: boolean; reload: () => void },
) {
  const [seen, setSeen] = useState<number | null>(null);
  const found = scan?.found ?? 0;
  const { reload } = list;
  const isEmpty = list.groups.length === 0 && !list.isLoading;
  // A new scan starts counting at 0.
  const isOutdated = seen === null || seen > found || (isEmpty && seen < found);
  if (scan && isOutdated) setSeen(found);
  useEffect(() => {
    if (isEmpty && found > 0) reload();
  }, [isEmpty, found, reload]);
  return {
    unseen: found - (seen ?? found),
    onShow: () => {
      setSeen(found);
      reload();
    },
  };
}

interface ScanBarProps {
  scan: Scan;
  /** Why starting or stopping failed; null when it didn't. */
  failure: string | null;
  /** Pairs found since the list was loaded. */
  unseen: number;
  onShow: () => void;
}

/** The scan's progress, its problem and its new findings; nothing when there are none. */
export function ScanBar({ scan, failure, unseen, onShow }: ScanBarProps) {
  const text = useText();
  const isRunning = scan.state === 'running';
  const trouble = failure ?? (scan.problem && explainProblem(scan.problem, text));
  if (!isRunning && unseen === 0 && trouble === null) return null;
  return (
    <Box padding={4} background="neutral0" hasRadius shadow="tableShadow" tag="section">
      <Flex direction="column" alignItems="stretch" gap={3}>
        {isRunning && (
          <ProgressBar label={text('duplicates.scan.progress')} part={scan.done} of={scan.total} />
        )}
        {trouble !== null && (
          <Typography tag="p" role="alert" textColor="danger700">
            {trouble}
          </Typography>
        )}
        {unseen > 0 && (
          <Flex gap={3}>
            <Typography textColor="neutral700">{text('duplicates.scan.unseen')}</Typography>
            <Button size="S" variant="secondary" onClick={onShow}>
              {text('duplicates.scan.show')}
            </Button>
          </Flex>
        )}
      </Flex>
    </Box>
  );
}

/** Starts, resumes or stops the scan. */
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

const SECONDS_PER_MINUTE = 60;

function scanLine(scan: Scan, text: Text, formats: Formats): string {
  const { state, done, total, toReview, endedAt, remainingSeconds } = scan;
  const numbers = { done, total, toReview };
  if (state === 'done') {
    const when = endedAt ? formats.dateTime(endedAt) : text('duplicates.unknown');
    // The Index page reports the images that could not be scanned.
    return text('duplicates.scan.done', { ...numbers, total: total - scan.failed, when });
  }
  const line = text(`duplicates.scan.${state}`, numbers);
  if (state !== 'running' || remainingSeconds === null) return line;
  const minutes = Math.ceil(remainingSeconds / SECONDS_PER_MINUTE);
  return `${line} ${text('duplicates.scan.remaining', { minutes })}`;
}
