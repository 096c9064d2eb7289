import { Button, Flex, IconButton, Typography } from '@strapi/design-system';
import { Cross } from '@strapi/icons';
import { useEffect, useState, type ReactNode } from 'react';
import { styled } from 'styled-components';
import { useText, type Text } from '../../hooks/text';
import type { Notice } from './decisions';
import { failureText } from './failure-text';
import { KeyHint } from './key-hint';

/** Long enough to be read and reached; what can be undone can be undone later too. */
const SHOWN_FOR_MS = 10_000;

interface NoticeBarProps {
  notice: Notice;
  /** Where one is in the list now; told with the notice. */
  place: string | null;
  onUndo: () => void;
  onDismiss: () => void;
}

/** What became of the last decision, and the way back. Goes by itself unless it is looked at, or tells of trouble. */
export function NoticeBar({ notice, place, onUndo, onDismiss }: NoticeBarProps) {
  const text = useText();
  const [isHeld, setHeld] = useState(false);
  const stays = isHeld || isTrouble(notice) || notice.kind === 'merging';
  useEffect(() => {
    if (stays) return;
    const timer = window.setTimeout(onDismiss, SHOWN_FOR_MS);
    return () => {
      window.clearTimeout(timer);
    };
  }, [notice, stays, onDismiss]);
  return (
    <Bar
      data-trouble={isTrouble(notice) || undefined}
      onPointerEnter={() => {
        setHeld(true);
      }}
      onPointerLeave={() => {
        setHeld(false);
      }}
    >
      <Lines lines={noticeLines(notice, text)} place={place} />
      {notice.kind === 'ignored' && (
        <Button size="S" variant="secondary" onClick={onUndo}>
          {text('duplicates.undo')}
          <KeyHint>U</KeyHint>
        </Button>
      )}
      <IconButton size="S" variant="ghost" label={text('duplicates.dismiss')} onClick={onDismiss}>
        <Cross />
      </IconButton>
    </Bar>
  );
}

/** The region stays in the page so that what appears in it is spoken. */
export function NoticeRegion({ children }: { children: ReactNode }) {
  return <Region role="status">{children}</Region>;
}

function Lines({ lines, place }: { lines: readonly string[]; place: string | null }) {
  return (
    <Flex direction="column" alignItems="flex-start" flex="1" minWidth={0}>
      {lines.map((line) => (
        <Typography key={line} textColor="neutral800">
          {line}
        </Typography>
      ))}
      {place && (
        <Typography variant="pi" textColor="neutral600">
          {place}
        </Typography>
      )}
    </Flex>
  );
}

function isTrouble(notice: Notice): boolean {
  if (notice.kind === 'failed') return true;
  return notice.kind === 'merged' && notice.report.files.some(({ outcome }) => outcome === 'left');
}

function noticeLines(notice: Notice, text: Text): string[] {
  if (notice.kind === 'failed') return [failureText(notice.failure, text)];
  if (notice.kind === 'merging')
    return [text('duplicates.notice.merging', { name: notice.keepName })];
  if (notice.kind !== 'merged') {
    const name = notice.group.files[0]?.name ?? '';
    return [text(`duplicates.notice.${notice.kind}`, { name })];
  }
  const { files, keepId } = notice.report;
  const removed = files.filter(({ outcome }) => outcome === 'removed');
  const moved = removed.reduce((sum, { useCount }) => sum + useCount, 0);
  const name = files.find(({ id }) => id === keepId)?.name ?? '';
  const left = files.filter(({ outcome }) => outcome === 'left');
  return [
    text('duplicates.notice.merged', { name, removed: removed.length, uses: moved }),
    ...left.map((file) =>
      text('duplicates.notice.left', { name: file.name, reason: file.obstacle ?? '' }),
    ),
  ];
}

const Region = styled.div`
  position: fixed;
  z-index: 3;
  inset-inline: ${({ theme }) => theme.spaces[4]};
  bottom: ${({ theme }) => theme.spaces[5]};
  display: flex;
  justify-content: center;
  pointer-events: none;
`;

const Bar = styled.div`
  display: flex;
  align-items: center;
  gap: ${({ theme }) => theme.spaces[4]};
  max-width: 64rem;
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[4]}`};
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral0};
  box-shadow: ${({ theme }) => theme.shadows.popupShadow};
  pointer-events: auto;
  &[data-trouble] {
    border-color: ${({ theme }) => theme.colors.warning600};
  }
`;
