import { Box, Button, Flex, IconButton, Typography, VisuallyHidden } from '@strapi/design-system';
import { ChevronDown, ChevronLeft, ChevronRight, ChevronUp, Cross, Question } from '@strapi/icons';
import { styled } from 'styled-components';
import type { MergeReport } from '../../../../../plugin/src/contracts/merging';
import type { Asset } from '../../../api/asset';
import type { Group, Pair } from '../../../api/duplicates';
import { FileImage } from '../../../components/file-image';
import { useFormats } from '../../../hooks/formats';
import { useText } from '../../../hooks/text';
import { Comparison } from '../comparison/comparison';
import { DifferenceTable } from '../comparison/difference-table';
import { EvidenceLine } from '../comparison/evidence';
import { FileLinks, pairsOf, type ShownPair, type Side } from '../comparison/pair';
import { suggestionText } from '../merge/merge-report';
import { KeyHint } from './shortcuts';

interface ReviewProps {
  group: Group;
  /** Null when fewer than two files of the group are left. */
  shown: ShownPair | null;
  /** What a merge of the whole group would do; null while that is unknown. */
  report: MergeReport | null;
  /** Why the user can't merge; null when they can. */
  obstacle: string | null;
  onCompare: (file: Asset) => void;
  onKeep: (side: Side) => void;
  onIgnore: (pairs: readonly Pair[]) => void;
  onReopen: () => void;
}

/** One group: its images, how they differ, and the actions on it. */
export function Review(props: ReviewProps) {
  const { group, shown, report, obstacle, onCompare, onKeep, onIgnore, onReopen } = props;
  const status = group.pairs[0]?.status;
  if (!shown) return null;
  const isOpen = status === 'open';
  const leaveOut = (file: Asset): void => {
    onIgnore(pairsOf(group, file.id));
  };
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <MemberStrip
        files={group.files}
        rightId={shown.right.id}
        onCompare={onCompare}
        onLeaveOut={isOpen ? leaveOut : undefined}
      />
      <Comparison {...shown} />
      <FileLinks {...shown} />
      {isOpen ? (
        <ActionBar
          shown={shown}
          report={report}
          obstacle={obstacle}
          onKeep={onKeep}
          onIgnore={() => {
            onIgnore(group.pairs);
          }}
        />
      ) : (
        <ReopenAction pair={shown.pair} onReopen={onReopen} />
      )}
      <Box paddingTop={2}>
        <DifferenceTable {...shown} report={report} />
      </Box>
    </Flex>
  );
}

interface Place {
  /** Of the group, from 0. */
  index: number;
  count: number;
  hasMore: boolean;
}

interface ReviewHeaderProps {
  shown: ShownPair | null;
  place: Place;
  onGo: (step: 1 | -1) => void;
  onHelp: () => void;
}

/** What was found, its position in the list, and buttons to the next and previous group. */
export function ReviewHeader({ shown, place, onGo, onHelp }: ReviewHeaderProps) {
  const text = useText();
  const { index, count, hasMore } = place;
  const isLast = index >= count - 1 && !hasMore;
  return (
    <Flex justifyContent="space-between" alignItems="flex-start" gap={4}>
      <Found>{shown && <EvidenceLine {...shown} />}</Found>
      <Flex gap={2}>
        <Typography variant="pi" textColor="neutral600" style={{ whiteSpace: 'nowrap' }}>
          {text(hasMore ? 'duplicates.placeOfMore' : 'duplicates.place', {
            index: index + 1,
            count,
          })}
        </Typography>
        <IconButton
          label={text('duplicates.previous')}
          aria-keyshortcuts="K"
          disabled={index === 0}
          onClick={() => {
            onGo(-1);
          }}
        >
          <ChevronUp />
        </IconButton>
        <IconButton
          label={text('duplicates.next')}
          aria-keyshortcuts="J"
          disabled={isLast}
          onClick={() => {
            onGo(1);
          }}
        >
          <ChevronDown />
        </IconButton>
        <IconButton label={text('duplicates.help')} aria-keyshortcuts="?" onClick={onHelp}>
          <Question />
        </IconButton>
      </Flex>
    </Flex>
  );
}

interface MemberStripProps {
  /** Of the group; the first is the one the others are compared with. */
  files: readonly Asset[];
  rightId: number;
  onCompare: (file: Asset) => void;
  /** Undefined when files can't be left out. */
  onLeaveOut: ((file: Asset) => void) | undefined;
}

/** The files of a group of three or more: which one to compare with the first, which ones to leave out. */
function MemberStrip({ files, rightId, onCompare, onLeaveOut }: MemberStripProps) {
  const text = useText();
  const [, ...others] = files;
  if (others.length < 2) return null;
  return (
    <Flex gap={3} wrap="wrap" role="group" aria-label={text('duplicates.members')}>
      <Typography variant="pi" textColor="neutral600">
        {text('duplicates.members.compare')}
      </Typography>
      {others.map((file) => (
        <Flex key={file.id} gap={1}>
          <Member
            type="button"
            aria-pressed={file.id === rightId}
            aria-label={file.name}
            title={file.name}
            onClick={() => {
              onCompare(file);
            }}
          >
            <FileImage asset={file} width={MEMBER_PX} alternativeText="" />
          </Member>
          {onLeaveOut && (
            <IconButton
              size="XS"
              variant="ghost"
              label={text('duplicates.members.notDuplicate', { name: file.name })}
              onClick={() => {
                onLeaveOut(file);
              }}
            >
              <Cross />
            </IconButton>
          )}
        </Flex>
      ))}
    </Flex>
  );
}

function ReopenAction({ pair, onReopen }: { pair: Pair; onReopen: () => void }) {
  const text = useText();
  return (
    <Flex justifyContent="center" gap={4} wrap="wrap">
      <ReviewedLine pair={pair} />
      <Button variant="secondary" onClick={onReopen}>
        {text('duplicates.reopen')}
      </Button>
    </Flex>
  );
}

interface ActionBarProps {
  shown: ShownPair;
  /** Null while it is unknown what a merge would do. */
  report: MergeReport | null;
  /** Why the user can't merge; null when they can. */
  obstacle: string | null;
  onKeep: (side: Side) => void;
  onIgnore: () => void;
}

/** Keep left, ignore, keep right. */
function ActionBar({ shown, report, obstacle, onKeep, onIgnore }: ActionBarProps) {
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

/** Who ignored a pair, and when. */
function ReviewedLine({ pair: { status, review } }: { pair: Pair }) {
  const text = useText();
  const formats = useFormats();
  if (!review || status !== 'ignored') return null;
  const name = review.by?.name ?? text('duplicates.reviewed.unknown');
  return (
    <Typography tag="p" textColor="neutral700">
      {text('duplicates.reviewed.ignored', { name, when: formats.dateTime(review.at) })}
    </Typography>
  );
}

const Found = styled.div`
  min-width: 0;
  overflow-wrap: anywhere;
`;

const MEMBER_PX = 48;

const Member = styled.button`
  padding: 2px;
  border: 2px solid transparent;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: none;
  cursor: pointer;
  & > * {
    width: 4.8rem;
    height: 4.8rem;
    border-radius: 2px;
  }
  &[aria-pressed='true'] {
    border-color: ${({ theme }) => theme.colors.primary600};
  }
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;

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
