import { Box, Button, Flex, Loader, Modal, Typography } from '@strapi/design-system';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import type { LeftOutReason, MergeBatch } from '../../../../../plugin/src/contracts/bulk-merging';
import type { MergeWarning } from '../../../../../plugin/src/contracts/merging';
import type { MergeBatchControl } from '../../../hooks/bulk-merging';
import { useFailureText } from '../../../hooks/failure-text';
import { useFormats } from '../../../hooks/formats';
import { useText, type Text } from '../../../hooks/text';

interface BulkDialogProps {
  batch: MergeBatch;
  control: MergeBatchControl;
  onClose: () => void;
}

/** What a bulk merge would do before it writes anything, and afterwards what it left out. */
export function BulkDialog({ batch, control, onClose }: BulkDialogProps) {
  const text = useText();
  const failureText = useFailureText({ forbidden: 'duplicates.failure.forbidden' });
  const { id, kind, plan, state, trashDays } = batch;
  const { change } = control;
  const isPlan = state === 'planning' || state === 'ready';
  const close = (): void => {
    if (isPlan) change.mutate({ id, action: 'cancel' });
    onClose();
  };
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) close();
      }}
    >
      <Modal.Content aria-describedby={undefined}>
        <Modal.Header closeLabel={text('duplicates.merge.close')}>
          <Modal.Title>{text(`duplicates.bulk.title.${kind}`)}</Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <Flex direction="column" alignItems="stretch" gap={5}>
            {change.error && (
              <Box role="alert" padding={4} background="danger100" hasRadius>
                <Typography textColor="danger700">{failureText(change.error)}</Typography>
              </Box>
            )}
            <div role="status">
              {state === 'planning' ? (
                <Flex direction="column" gap={3}>
                  <Loader small>{text('common.loading')}</Loader>
                  <Typography textColor="neutral800">
                    {text('duplicates.bulk.planning', { done: batch.progress.done })}
                  </Typography>
                </Flex>
              ) : (
                <Outcome batch={batch} />
              )}
            </div>
            {state !== 'planning' && <LeftOutList batch={batch} onFollow={close} />}
            {state === 'ready' && (
              <Typography variant="pi" textColor="neutral600">
                {trashDays > 0
                  ? text('duplicates.report.trash', { days: trashDays })
                  : text('duplicates.report.irreversible')}
              </Typography>
            )}
          </Flex>
        </Modal.Body>
        <Modal.Footer>
          {/* Nobody merges with an Enter key pressed too early. */}
          <Button variant="tertiary" autoFocus onClick={close}>
            {text(isPlan ? 'duplicates.merge.cancel' : 'duplicates.merge.close')}
          </Button>
          {isPlan && (
            <Button
              variant={trashDays > 0 ? 'default' : 'danger'}
              aria-disabled={state === 'planning' || plan.groups === 0}
              loading={change.isPending}
              onClick={() => {
                if (state === 'ready' && plan.groups > 0) {
                  change.mutate({ id, action: 'merge' }, { onSuccess: onClose });
                }
              }}
            >
              {confirmText(batch, text)}
            </Button>
          )}
        </Modal.Footer>
      </Modal.Content>
    </Modal.Root>
  );
}

function confirmText({ plan, state, trashDays }: MergeBatch, text: Text): string {
  if (state !== 'ready' || plan.groups === 0) return text('duplicates.bulk.confirmNone');
  return trashDays > 0
    ? text('duplicates.bulk.confirm', { groups: plan.groups })
    : text('duplicates.merge.confirm', { count: plan.copies });
}

function Outcome({ batch }: { batch: MergeBatch }) {
  const text = useText();
  const { hasMore, plan, state, trashDays } = batch;
  if (state !== 'ready') return <Typography>{endText(batch, text)}</Typography>;
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Typography variant="delta" tag="p">
        {text('duplicates.bulk.groups', { groups: plan.groups })}
      </Typography>
      {plan.groups > 0 && (
        <>
          <Typography tag="p" textColor="neutral800">
            {text(trashDays > 0 ? 'duplicates.bulk.copies' : 'duplicates.bulk.deleted', {
              copies: plan.copies,
            })}
          </Typography>
          <Typography tag="p" textColor="neutral800">
            {text('duplicates.bulk.entries', { entries: plan.entries })}
          </Typography>
        </>
      )}
      <Typography tag="p" textColor="neutral600">
        {text('duplicates.bulk.rule')}
      </Typography>
      {hasMore && (
        <Typography tag="p" textColor="neutral800">
          {text('duplicates.bulk.more')}
        </Typography>
      )}
    </Flex>
  );
}

/** What a bulk merge, or its undo, has done. */
export function endText(batch: MergeBatch, text: Text): string {
  const { isCancelled, merged, state, trashDays, undone } = batch;
  if (state === 'undone' || undone.groups + undone.failed > 0) {
    return text('duplicates.bulk.undone', undone);
  }
  const done = text(
    trashDays > 0 ? 'duplicates.bulk.ended' : 'duplicates.bulk.endedDeleted',
    merged,
  );
  return isCancelled ? `${text('duplicates.bulk.stopped')} ${done}` : done;
}

type Topic = Exclude<LeftOutReason, 'warnings'> | (typeof warningTopics)[MergeWarning['code']];

/** Many warnings mean the same here: look at this group yourself. */
const warningTopics = {
  unrelated: 'unsure',
  ignored: 'unsure',
  'edited-version': 'edited',
  'edited-kept': 'edited',
  'edited-copy': 'edited',
  'differing-regions': 'edited',
  'blurred-regions': 'edited',
  'gray-kept': 'gray',
  'gray-copy': 'gray',
  'other-colors': 'colors',
  'fewer-pixels': 'quality',
  'other-shape': 'quality',
  'lossy-kept': 'quality',
  transparency: 'quality',
  animation: 'quality',
  'other-texts': 'quality',
  'fewer-sizes': 'uses',
  'listed-once': 'uses',
  'named-twice': 'uses',
  'possible-uses': 'uses',
  'file-left': 'uses',
} as const satisfies Record<MergeWarning['code'], string>;

type Example = MergeBatch['leftOut'][number]['examples'][number];

interface TopicGroups {
  topic: Topic;
  groups: number;
  /** Some of them. */
  examples: Example[];
}

/** The most frequent first. */
function topicsOf({ leftOut }: MergeBatch): TopicGroups[] {
  const topics = new Map<Topic, TopicGroups>();
  for (const { examples, groups, reason, warning } of leftOut) {
    const topic = reason === 'warnings' ? warningTopics[warning ?? 'unrelated'] : reason;
    const before = topics.get(topic) ?? { groups: 0, examples: [] };
    topics.set(topic, {
      topic,
      groups: before.groups + groups,
      examples: [...before.examples, ...examples],
    });
  }
  return [...topics.values()].sort((one, other) => other.groups - one.groups);
}

const MOST_EXAMPLES = 5;

function LeftOutList({ batch, onFollow }: { batch: MergeBatch; onFollow: () => void }) {
  const text = useText();
  const formats = useFormats();
  const topics = topicsOf(batch);
  if (topics.length === 0) return null;
  const count = topics.reduce((sum, { groups }) => sum + groups, 0);
  return (
    <section>
      <Typography variant="sigma" tag="h3" textColor="neutral600">
        {text('duplicates.bulk.leftOut', { count })}
      </Typography>
      <Reasons>
        {topics.map(({ examples, groups, topic }) => (
          <li key={topic}>
            <Count>{formats.number(groups)}</Count>
            <Typography tag="p" textColor="neutral800">
              {text(`duplicates.bulk.reason.${topic}`)}
            </Typography>
            {examples.length > 0 && (
              <Typography tag="p" variant="pi" textColor="neutral600">
                {text('duplicates.bulk.examples')}{' '}
                {examples.slice(0, MOST_EXAMPLES).map(({ name, pairId }, index) => (
                  <span key={pairId}>
                    {index > 0 && ' · '}
                    <GroupLink
                      to={`?status=open&group=${String(pairId)}`}
                      onClick={onFollow}
                      reloadDocument
                    >
                      {name ?? `#${String(pairId)}`}
                    </GroupLink>
                  </span>
                ))}
              </Typography>
            )}
          </li>
        ))}
      </Reasons>
    </section>
  );
}

const Reasons = styled.ul`
  display: grid;
  gap: ${({ theme }) => theme.spaces[3]};
  margin-top: ${({ theme }) => theme.spaces[2]};
  & > li {
    display: grid;
    grid-template-columns: minmax(2.4rem, max-content) 1fr;
    column-gap: ${({ theme }) => theme.spaces[2]};
    & > :nth-child(3) {
      grid-column: 2;
    }
  }
`;

const Count = styled.span`
  color: ${({ theme }) => theme.colors.neutral800};
  font-variant-numeric: tabular-nums;
  font-weight: ${({ theme }) => theme.fontWeights.semiBold};
`;

const GroupLink = styled(Link)`
  color: ${({ theme }) => theme.colors.primary600};
  overflow-wrap: anywhere;
`;
