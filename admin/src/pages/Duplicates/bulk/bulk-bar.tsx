import { Box, Button, Flex, IconButton, Typography } from '@strapi/design-system';
import { Cross } from '@strapi/icons';
import { useState } from 'react';
import { batchKinds, type MergeBatch } from '../../../../../plugin/src/contracts/bulk-merging';
import { ProgressBar } from '../../../components/progress-bar';
import { isActive, useMergeBatches, type MergeBatchControl } from '../../../hooks/bulk-merging';
import { bulkProblemText, useFailureText } from '../../../hooks/failure-text';
import { useFormats } from '../../../hooks/formats';
import { useCanMergeFiles } from '../../../hooks/permissions';
import { useText, type Text } from '../../../hooks/text';
import { BulkDialog, endText } from './bulk-dialog';

/** Bulk merges: the buttons that plan one, and the state of the latest. */
export function useBulkMerge() {
  const control = useMergeBatches();
  const canMerge = useCanMergeFiles();
  const [openId, setOpenId] = useState<number | null>(null);
  const open = control.batches.find(({ id }) => id === openId);
  const [latest] = control.batches;
  return {
    canMerge,
    control,
    /** Undefined while the dialog shows it. */
    latest: latest && latest.id !== open?.id ? latest : undefined,
    open,
    show: setOpenId,
    close: () => {
      setOpenId(null);
    },
  };
}

export type BulkMerge = ReturnType<typeof useBulkMerge>;

/** Plan a bulk merge of all groups of a kind. */
export function BulkButtons({ bulk }: { bulk: BulkMerge }) {
  const text = useText();
  const { canMerge, control, show } = bulk;
  const { plan } = control;
  if (!canMerge) return null;
  const isBusy = control.batches.some(isActive);
  return (
    <Flex gap={2} wrap="wrap">
      {batchKinds.map((kind) => (
        <Button
          key={kind}
          size="S"
          variant="secondary"
          disabled={isBusy}
          loading={plan.isPending && plan.variables === kind}
          onClick={() => {
            plan.mutate(kind, {
              onSuccess: (batch) => {
                if (batch) show(batch.id);
              },
            });
          }}
        >
          {text(`duplicates.bulk.button.${kind}`)}
        </Button>
      ))}
    </Flex>
  );
}

const DISMISSED = 'image-search.dismissed-bulk-merge';

/** How far a bulk merge is, and what became of it; nothing when there is nothing new to say. */
export function BulkBar({ bulk }: { bulk: BulkMerge }) {
  const text = useText();
  const failureText = useFailureText({ forbidden: 'duplicates.failure.forbidden' });
  const [dismissed, setDismissed] = useState(() => localStorage.getItem(DISMISSED));
  const { canMerge, close, control, latest, open, show } = bulk;
  const failure = control.plan.error ?? (open ? null : control.change.error);
  const shown = latest && isShown(latest, dismissed) ? latest : null;
  const dismiss = (batch: MergeBatch): void => {
    localStorage.setItem(DISMISSED, keyOf(batch));
    setDismissed(keyOf(batch));
  };
  return (
    <>
      {/* A live region must be in the page before its content for screen readers to announce it. */}
      <div role="status">
        {(shown !== null || failure !== null) && (
          <Box padding={4} background="neutral0" hasRadius shadow="tableShadow">
            <Flex direction="column" alignItems="stretch" gap={3}>
              {failure !== null && (
                <Typography tag="p" role="alert" textColor="danger700">
                  {failureText(failure)}
                </Typography>
              )}
              {shown && (
                <Flex gap={4} wrap="wrap" justifyContent="space-between">
                  <Box flex="1 1 32rem" minWidth={0}>
                    <Progress batch={shown} />
                  </Box>
                  <Flex gap={2}>
                    {canMerge && <BatchButtons batch={shown} control={control} onShow={show} />}
                    {!isActive(shown) && shown.state !== 'ready' && (
                      <IconButton
                        size="S"
                        variant="ghost"
                        label={text('duplicates.dismiss')}
                        onClick={() => {
                          dismiss(shown);
                        }}
                      >
                        <Cross />
                      </IconButton>
                    )}
                  </Flex>
                </Flex>
              )}
            </Flex>
          </Box>
        )}
      </div>
      {open && <BulkDialog batch={open} control={control} onClose={close} />}
    </>
  );
}

/** An undo says something new of a bulk merge whose end was dismissed. */
function keyOf({ id, state }: MergeBatch): string {
  return `${String(id)} ${state}`;
}

const SHOWN_FOR_MS = 86_400_000;

/** Someone else's plan is theirs to start. */
function isShown(batch: MergeBatch, dismissed: string | null): boolean {
  if (isActive(batch)) return true;
  if (batch.state === 'ready') return batch.isOwn;
  return keyOf(batch) !== dismissed && Date.now() - Date.parse(batch.startedAt) < SHOWN_FOR_MS;
}

function Progress({ batch }: { batch: MergeBatch }) {
  const text = useText();
  const { isOwn, leftOut, problem, progress, state } = batch;
  const line = lineOf(batch, text);
  const isRunning = state === 'merging' || state === 'undoing';
  const left = leftOut.reduce((sum, { groups }) => sum + groups, 0);
  const notes = [
    state === 'ended' && left > 0 && text('duplicates.bulk.leftOut', { count: left }),
    !isOwn && batch.by !== null && text('duplicates.bulk.by', { name: batch.by.name }),
    problem !== null && bulkProblemText(problem, text),
  ].filter(Boolean);
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography textColor="neutral800" aria-live={isRunning ? 'off' : undefined}>
        {line}
      </Typography>
      {isRunning && <ProgressBar label={line} part={progress.done} of={progress.total ?? 0} />}
      {notes.length > 0 && (
        <Typography variant="pi" textColor="neutral600">
          {notes.join(' · ')}
        </Typography>
      )}
    </Flex>
  );
}

function lineOf(batch: MergeBatch, text: Text): string {
  const { kind, plan, progress, state } = batch;
  switch (state) {
    case 'planning':
      return text('duplicates.bulk.planning', { done: progress.done });
    case 'ready':
      return text('duplicates.bulk.groups', { groups: plan.groups });
    case 'merging':
      return text(`duplicates.bulk.merging.${kind}`, {
        done: progress.done,
        total: progress.total ?? 0,
      });
    case 'undoing':
      return text('duplicates.bulk.undoing', { done: progress.done, total: progress.total ?? 0 });
    case 'ended':
    case 'undone':
      return endText(batch, text);
  }
}

interface BatchButtonsProps {
  batch: MergeBatch;
  control: MergeBatchControl;
  /** Opens the dialog. */
  onShow?: (id: number) => void;
}

function BatchButtons({ batch, control: { change }, onShow }: BatchButtonsProps) {
  const text = useText();
  const { canUndo, id, leftOut, state } = batch;
  const isPending = change.isPending && change.variables.id === id;
  const act = (action: 'cancel' | 'undo') => () => {
    change.mutate({ id, action });
  };
  return (
    <>
      {onShow && (state === 'ready' || (!isActive(batch) && leftOut.length > 0)) && (
        <Button
          size="S"
          variant={state === 'ready' ? 'default' : 'tertiary'}
          onClick={() => {
            onShow(id);
          }}
        >
          {text(state === 'ready' ? 'duplicates.bulk.review' : 'duplicates.bulk.details')}
        </Button>
      )}
      {(isActive(batch) || state === 'ready') && (
        <Button size="S" variant="tertiary" loading={isPending} onClick={act('cancel')}>
          {text(
            state === 'merging' || state === 'undoing'
              ? 'duplicates.bulk.stop'
              : 'duplicates.merge.cancel',
          )}
        </Button>
      )}
      {canUndo && (
        <Button size="S" variant="secondary" loading={isPending} onClick={act('undo')}>
          {text('duplicates.bulk.undo')}
        </Button>
      )}
    </>
  );
}

/** Earlier bulk merges that can be undone as a whole. */
export function UndoableBatches({ bulk }: { bulk: BulkMerge }) {
  const text = useText();
  const formats = useFormats();
  const { canMerge, control, latest } = bulk;
  const batches = control.batches.filter(({ canUndo, id }) => canUndo && id !== latest?.id);
  if (batches.length === 0 || !canMerge) return null;
  return (
    <Box tag="ul" aria-label={text('duplicates.bulk.records')}>
      {batches.map((batch) => (
        <Box
          key={batch.id}
          tag="li"
          padding={4}
          background="neutral0"
          hasRadius
          shadow="tableShadow"
        >
          <Flex gap={4} wrap="wrap" justifyContent="space-between">
            <Typography textColor="neutral800">
              {`${text(`duplicates.bulk.title.${batch.kind}`)} · ${formats.dateTime(batch.startedAt)} · ${endText(batch, text)}`}
            </Typography>
            <Flex gap={2}>
              <BatchButtons batch={batch} control={control} />
            </Flex>
          </Flex>
        </Box>
      ))}
    </Box>
  );
}
