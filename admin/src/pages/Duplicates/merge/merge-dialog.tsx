import {
  Badge,
  Box,
  Button,
  Checkbox,
  Flex,
  Loader,
  Modal,
  Radio,
  Typography,
} from '@strapi/design-system';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import type { Group } from '../../../api/duplicates';
import { FileImage } from '../../../components/file-image';
import { useMergePlan } from '../../../hooks/duplicates';
import { useDuplicatesFailureText } from '../../../hooks/failure-text';
import { useFormats } from '../../../hooks/formats';
import { useText } from '../../../hooks/text';
import { MergeReportView } from './merge-report';

interface MergeDialogProps {
  group: Group;
  /** The file selected to be kept when the dialog opens. */
  keepId: number;
  onCancel: () => void;
  onMerge: (request: { fileIds: readonly number[]; keepId: number }) => void;
}

/** Shows what a merge would do before it writes anything, and lets the user choose the file to keep. */
export function MergeDialog({ group, keepId: firstKeepId, onCancel, onMerge }: MergeDialogProps) {
  const text = useText();
  const failureText = useDuplicatesFailureText();
  const [keepId, setKeepId] = useState(firstKeepId);
  const [leftOut, setLeftOut] = useState<readonly number[]>([]);
  const files = group.files.filter(({ id }) => !leftOut.includes(id));
  const fileIds = files.map(({ id }) => id);
  const { report, suggestedId, failure, isLoading } = usePlan(fileIds, keepId);
  const name = files.find(({ id }) => id === keepId)?.name ?? '';
  const countOf = (wanted: string): number =>
    report?.files.filter(({ outcome }) => outcome === wanted).length ?? 0;
  const removed = countOf('removed');
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
                <Typography textColor="danger700">{failureText(failure)}</Typography>
              </Box>
            )}
            {isLoading && <Loader small>{text('duplicates.merge.planning')}</Loader>}
            {report && <MergeReportView report={report} />}
          </Flex>
        </Modal.Body>
        <Modal.Footer>
          <Button
            variant="tertiary"
            // Nobody deletes files with an Enter key pressed too early.
            autoFocus
            onClick={onCancel}
          >
            {text('duplicates.merge.cancel')}
          </Button>
          <Button
            variant={removed > 0 ? 'danger' : 'default'}
            aria-disabled={!report}
            onClick={() => {
              if (report) onMerge({ fileIds, keepId });
            }}
          >
            {removed > 0
              ? text('duplicates.merge.confirm', { count: removed })
              : text('duplicates.merge.confirmTrash', { count: countOf('trashed') })}
          </Button>
        </Modal.Footer>
      </Modal.Content>
    </Modal.Root>
  );
}

/** The dry run; the review has already loaded the one for the suggested file. */
function usePlan(fileIds: readonly number[], keepId: number) {
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

interface MergeChoiceProps {
  files: readonly Asset[];
  keepId: number;
  suggestedId: number | null;
  /** Files that take no part in the merge. */
  leftOut: readonly number[];
  onKeep: (id: number) => void;
  onLeaveOut: (ids: readonly number[]) => void;
}

/** Which file to keep and, of three or more, which ones to merge. */
function MergeChoice(props: MergeChoiceProps) {
  const { files, keepId, suggestedId, leftOut, onKeep, onLeaveOut } = props;
  const text = useText();
  return (
    <Radio.Group
      aria-label={text('duplicates.merge.choice')}
      value={String(keepId)}
      onValueChange={(value) => {
        onKeep(Number(value));
      }}
    >
      <Cards>
        {files.map((file) => (
          <Choice
            key={file.id}
            file={file}
            isKept={file.id === keepId}
            isSuggested={file.id === suggestedId}
            isLeftOut={leftOut.includes(file.id)}
            onInclude={
              files.length > 2
                ? (isIncluded) => {
                    const others = leftOut.filter((id) => id !== file.id);
                    onLeaveOut(isIncluded ? others : [...others, file.id]);
                  }
                : undefined
            }
          />
        ))}
      </Cards>
    </Radio.Group>
  );
}

interface ChoiceProps {
  file: Asset;
  isKept: boolean;
  isSuggested: boolean;
  isLeftOut: boolean;
  onInclude: ((isIncluded: boolean) => void) | undefined;
}

function Choice({ file, isKept, isSuggested, isLeftOut, onInclude }: ChoiceProps) {
  const text = useText();
  const formats = useFormats();
  const { name, width, height, size } = file;
  const shape = width && height ? `${formats.dimensions(width, height)} · ` : '';
  return (
    <Card data-kept={isKept || undefined} data-left-out={isLeftOut || undefined}>
      <Thumbnail>
        <FileImage asset={file} width={THUMBNAIL_PX} alternativeText="" />
      </Thumbnail>
      <Flex direction="column" alignItems="flex-start" gap={1} minWidth={0} flex="1">
        <Radio.Item value={String(file.id)} disabled={isLeftOut}>
          {text('duplicates.merge.keep', { name })}
        </Radio.Item>
        <Typography variant="pi" textColor="neutral600">
          {`${shape}${formats.fileSize(size ?? 0)}`}
        </Typography>
        {onInclude && !isKept && (
          <Checkbox
            checked={!isLeftOut}
            onCheckedChange={(checked) => {
              onInclude(checked === true);
            }}
          >
            {text('duplicates.merge.include')}
          </Checkbox>
        )}
      </Flex>
      {isSuggested && <Badge variant="success">{text('duplicates.merge.suggested')}</Badge>}
    </Card>
  );
}

const Cards = styled.div`
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr));
  gap: ${({ theme }) => theme.spaces[3]};
`;

const Card = styled.div`
  display: flex;
  align-items: flex-start;
  gap: ${({ theme }) => theme.spaces[3]};
  padding: ${({ theme }) => theme.spaces[3]};
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  &[data-kept] {
    border-color: ${({ theme }) => theme.colors.primary600};
    box-shadow: 0 0 0 1px ${({ theme }) => theme.colors.primary600};
  }
  &[data-left-out] > img {
    opacity: 0.5;
  }
`;

const THUMBNAIL_PX = 64;

const Thumbnail = styled.div`
  flex: none;
  width: 6.4rem;
  height: 6.4rem;
  overflow: hidden;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
`;
