import { Box, Button, EmptyStateLayout } from '@strapi/design-system';
import { EmptyDocuments, EmptyPictures } from '@strapi/icons/symbols';
import type { GroupFilter, Scan } from '../../api/duplicates';
import { useText } from '../../hooks/text';
import type { TextKey } from '../../translations/messages';
import type { ScanControl } from './scan';
import { ScanButton } from './scan-bar';

interface EmptyInboxProps {
  filter: GroupFilter;
  scan: Scan | null;
  control: ScanControl | undefined;
  /** Whether somebody decided about some already. */
  isReviewed: boolean;
  onShowAllKinds: () => void;
}

/** Why there is nothing to see, and what to do about it. */
export function EmptyInbox(props: EmptyInboxProps) {
  const { filter, scan, control, onShowAllKinds } = props;
  const text = useText();
  const key = emptyText(props);
  const isNever = key === 'duplicates.empty.never';
  return (
    <Box tabIndex={-1} data-empty>
      <EmptyStateLayout
        icon={
          key === 'duplicates.empty.reviewed' ? (
            <EmptyPictures width="16rem" />
          ) : (
            <EmptyDocuments width="16rem" />
          )
        }
        content={text(isNever && !control ? 'duplicates.empty.neverForOthers' : key)}
        action={
          filter.kind ? (
            <Button variant="secondary" onClick={onShowAllKinds}>
              {text('duplicates.empty.showAllKinds')}
            </Button>
          ) : (
            isNever && scan && control && <ScanButton scan={scan} control={control} />
          )
        }
      />
    </Box>
  );
}

function emptyText({ filter, scan, isReviewed }: EmptyInboxProps): TextKey {
  if (filter.kind) return 'duplicates.empty.kind';
  if (filter.status !== 'open') return `duplicates.empty.${filter.status}`;
  if (scan?.state === 'running') return 'duplicates.empty.running';
  if (scan?.state === 'off') return 'duplicates.empty.off';
  if (isReviewed) return 'duplicates.empty.reviewed';
  return scan?.state === 'never' ? 'duplicates.empty.never' : 'duplicates.empty.none';
}
