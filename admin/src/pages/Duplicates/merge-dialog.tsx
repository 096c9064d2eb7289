import { Box, Button, Flex, Loader, Modal, Typography } from '@strapi/design-system';
import { useState } from 'react';
import type { Group } from '../../api/duplicates';
import { useMergePlan } from '../../hooks/merge-plan';
import { useText } from '../../hooks/text';
import { failureText } from './failure-text';
import { MergeChoice } from './merge-choice';
import { MergeReportView } from './merge-report';

interface MergeDialogProps {
  group: Group;
  /** The file that is to be kept at first. */
  keepId: number;
  onCancel: () => void;
  onMerge: (request: { fileIds: readonly number[]; keepId: number }) => void;
}

/** What a merge would do, before anything is written: which file stays, what uses it then, what is deleted. */
export function MergeDialog({ group, keepId: firstKeepId, onCancel, onMerge }: MergeDialogProps) {
  const text = useText();
  const [keepId, setKeepId] = useState(firstKeepId);
  const [leftOut, setLeftOut] = useState<readonly number[]>([]);
  const files = group.files.filter(({ id }) => !leftOut.includes(id));
  const fileIds = files.map(({ id }) => id);
  const { report, suggestedId, failure, isLoading } = usePlanOf(fileIds, keepId);
  const name = files.find(({ id }) => id === keepId)?.name ?? '';
  const removed = report?.files.filter(({ outcome }) => outcome === 'removed').length ?? 0;
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onCancel();
      }}
    >
      <Modal.Content aria-describedby={undefined}>
        <Modal.Header closeLabel={text('duplicates.merge.close')}>
          <Modal.Title>{text('duplicates.merge.title', { name })}</Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <Flex direction="column" alignItems="stretch" gap={5}>
            <MergeChoice
              files={group.files}
              keepId={keepId}
              suggestedId={suggestedId}
              leftOut={leftOut}
              onKeep={setKeepId}
              onLeaveOut={setLeftOut}
            />
            {failure !== null && (
              <Box role="alert" padding={4} background="danger100" hasRadius>
                <Typography textColor="danger700">{failureText(failure, text)}</Typography>
              </Box>
            )}
            {isLoading && <Loader small>{text('duplicates.merge.planning')}</Loader>}
            {report && <MergeReportView report={report} />}
          </Flex>
        </Modal.Body>
        <Modal.Footer>
          <Button variant="tertiary" onClick={onCancel}>
            {text('duplicates.merge.cancel')}
          </Button>
          <Button
            // The dry run is what one reads; to confirm it is one key away.
            autoFocus
            aria-disabled={!report}
            onClick={() => {
              if (report) onMerge({ fileIds, keepId });
            }}
          >
            {text('duplicates.merge.confirm', { name, count: removed })}
          </Button>
        </Modal.Footer>
      </Modal.Content>
    </Modal.Root>
  );
}

/** The dry run; the one of the suggested file is known already from the comparison. */
function usePlanOf(fileIds: readonly number[], keepId: number) {
  const suggested = useMergePlan({ fileIds, keepId: null }, { isFresh: true });
  const suggestedId = suggested.data?.suggestion.fileId ?? null;
  const isSuggested = suggestedId === keepId;
  const chosen = useMergePlan({ fileIds: isSuggested ? [] : fileIds, keepId }, { isFresh: true });
  const { data, error, isFetching } = isSuggested ? suggested : chosen;
  return {
    report: data ?? null,
    suggestedId,
    failure: error ?? suggested.error,
    isLoading: isFetching && !data,
  };
}
