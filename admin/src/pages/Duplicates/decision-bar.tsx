import { Button, Flex, Typography, VisuallyHidden } from '@strapi/design-system';
import { ChevronLeft, ChevronRight } from '@strapi/icons';
import { styled } from 'styled-components';
import type { MergeReport } from '../../../../plugin/src/contracts/merging';
import { useText, type Text } from '../../hooks/text';
import { KeyHint } from './key-hint';
import type { ShownPair, Side } from './shown-pair';

interface DecisionBarProps {
  shown: ShownPair;
  /** Null while, or because, nobody knows what a merge would do. */
  report: MergeReport | null;
  /** Why nothing may be merged; null when it may. */
  obstacle: string | null;
  onKeep: (side: Side) => void;
  onIgnore: () => void;
}

/** What can be decided about the two files above it. */
export function DecisionBar({ shown, report, obstacle, onKeep, onIgnore }: DecisionBarProps) {
  const text = useText();
  const keep = (side: Side) => (
    <KeepButton
      side={side}
      isSuggested={report?.suggestion.fileId === shown[side].id}
      isDisabled={obstacle !== null}
      name={shown[side].name}
      onKeep={() => {
        onKeep(side);
      }}
    />
  );
  const isLeftSuggested = report?.suggestion.fileId === shown.left.id;
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Bar>
        {keep('left')}
        <Button variant="tertiary" size="L" onClick={onIgnore}>
          {text('duplicates.ignore')}
          <KeyHint>I</KeyHint>
        </Button>
        {keep('right')}
      </Bar>
      <Flex justifyContent="center">
        <Typography variant="pi" textColor="neutral600" textAlign="center">
          {obstacle ??
            (report &&
              suggestionText(report, shown[isLeftSuggested ? 'left' : 'right'].name, text))}
        </Typography>
      </Flex>
    </Flex>
  );
}

/** Why the server would keep one of them, in a sentence. */
export function suggestionText(
  { suggestion: { reasons } }: MergeReport,
  name: string,
  text: Text,
): string {
  if (reasons.length === 0) return text('duplicates.suggestion.alike');
  const words = reasons.map((reason) => text(`duplicates.reason.${reason}`)).join(', ');
  return text('duplicates.suggestion', { name, reasons: words });
}

interface KeepButtonProps {
  side: Side;
  name: string;
  isSuggested: boolean;
  isDisabled: boolean;
  onKeep: () => void;
}

function KeepButton({ side, name, isSuggested, isDisabled, onKeep }: KeepButtonProps) {
  const text = useText();
  const isLeft = side === 'left';
  const label = text(isLeft ? 'duplicates.keep.left' : 'duplicates.keep.right');
  return (
    <Button
      size="L"
      variant={isSuggested ? 'default' : 'secondary'}
      disabled={isDisabled}
      startIcon={isLeft ? <ChevronLeft /> : undefined}
      endIcon={isLeft ? undefined : <ChevronRight />}
      onClick={onKeep}
    >
      <span>
        {label}
        <VisuallyHidden>
          {text(isSuggested ? 'duplicates.keep.suggested' : 'duplicates.keep.named', { name })}
        </VisuallyHidden>
      </span>
      <KeyHint>{isLeft ? '1' : '2'}</KeyHint>
    </Button>
  );
}

const Bar = styled.div`
  display: grid;
  grid-template-columns: 1fr auto 1fr;
  gap: ${({ theme }) => theme.spaces[3]};
  & > :first-child {
    justify-self: center;
  }
  & > :last-child {
    justify-self: center;
  }
`;
