import { useEffect, useState } from 'react';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useDuplicateScan } from '../../hooks/duplicate-scan';
import { useFormats, type Formats } from '../../hooks/formats';
import { useText, type Text } from '../../hooks/text';
import type { Scan } from '../../api/duplicates';
import { failureText } from './failure-text';

export interface ScanControl {
  isBusy: boolean;
  start: () => void;
  stop: () => void;
}

const SECONDS_PER_MINUTE = 60;

/**
 * What a comparison finds stands before all that is shown. It is added when the user asks for it: else the list would jump
 * under the hands of whoever goes through it. An empty list shows what is found at once.
 */
export function useSeenFindings(
  scan: Scan | null,
  list: { groups: readonly unknown[]; isLoading: boolean; reload: () => void },
) {
  const [seen, setSeen] = useState<number | null>(null);
  const found = scan?.found ?? 0;
  const { reload } = list;
  const isEmpty = list.groups.length === 0 && !list.isLoading;
  // A new comparison counts from nothing.
  const isCountedAnew = seen === null || seen > found || (isEmpty && seen < found);
  if (scan && isCountedAnew) setSeen(found);
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

/** The comparison of the whole library as the page tells of it. */
export function useScan() {
  const text = useText();
  const formats = useFormats();
  const { may } = useImageSearchPermissions();
  const { scan, error, ...control } = useDuplicateScan();
  return {
    scan,
    /** Missing for those who may not start and stop it. */
    control: may.manage ? (control satisfies ScanControl) : undefined,
    failure: error && failureText(error, text),
    line: scan ? scanLine(scan, text, formats) : text('duplicates.subtitle'),
  };
}

function scanLine(scan: Scan, text: Text, formats: Formats): string {
  const { state, done, total, found, endedAt, remainingSeconds } = scan;
  const numbers = { done, total, found };
  if (state === 'done') {
    const when = endedAt ? formats.moment(endedAt) : text('duplicates.unknown');
    // Those that could not be compared are no part of it; the Index page tells of them.
    return text('duplicates.scan.done', { ...numbers, total: total - scan.failed, when });
  }
  const line = text(`duplicates.scan.${state}`, numbers);
  if (state !== 'running' || remainingSeconds === null) return line;
  const minutes = Math.ceil(remainingSeconds / SECONDS_PER_MINUTE);
  return `${line} ${text('duplicates.scan.remaining', { minutes })}`;
}
