import { Box, Button, Flex } from '@strapi/design-system';
import type { MergeReport } from '../../../../plugin/src/contracts/merging';
import type { Asset } from '../../api/asset';
import type { Group, Pair } from '../../api/duplicates';
import { useText } from '../../hooks/text';
import { Comparison } from './comparison';
import { DecidedLine } from './decided-line';
import { DecisionBar } from './decision-bar';
import { DifferenceTable } from './difference-table';
import { FileLinks } from './file-links';
import { MemberStrip } from './member-strip';
import { MergedGroup } from './merged-group';
import { pairsOf, type ShownPair, type Side } from './shown-pair';

export interface ReviewProps {
  group: Group;
  /** Null where a group has no two files to compare. */
  shown: ShownPair | null;
  /** What a merge of the whole group would do; null while, or because, it is not known. */
  report: MergeReport | null;
  /** Why nothing may be merged; null when it may. */
  obstacle: string | null;
  onCompare: (file: Asset) => void;
  onKeep: (side: Side) => void;
  onIgnore: (pairs: readonly Pair[]) => void;
  onReopen: () => void;
}

/** One group: its pictures, what differs, and what can be decided about it. */
export function Review(props: ReviewProps) {
  const { group, shown, report, onCompare, onIgnore } = props;
  const status = group.pairs[0]?.status;
  if (!shown || status === 'merged') return <MergedGroup group={group} />;
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
      {isOpen ? <OpenDecision {...props} shown={shown} /> : <Reopening {...props} shown={shown} />}
      <Box paddingTop={2}>
        <DifferenceTable {...shown} report={report} />
      </Box>
    </Flex>
  );
}

type DecisionProps = ReviewProps & { shown: ShownPair };

function OpenDecision({ shown, report, obstacle, group, onKeep, onIgnore }: DecisionProps) {
  return (
    <DecisionBar
      shown={shown}
      report={report}
      obstacle={obstacle}
      onKeep={onKeep}
      onIgnore={() => {
        onIgnore(group.pairs);
      }}
    />
  );
}

function Reopening({ shown, onReopen }: DecisionProps) {
  const text = useText();
  return (
    <Flex justifyContent="center" gap={4} wrap="wrap">
      <DecidedLine pair={shown.pair} />
      <Button variant="secondary" onClick={onReopen}>
        {text('duplicates.reopen')}
      </Button>
    </Flex>
  );
}
