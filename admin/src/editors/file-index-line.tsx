import { Box, Button, Flex, Link, Typography } from '@strapi/design-system';
import { ArrowClockwise, CheckCircle, Clock, Information, WarningCircle } from '@strapi/icons';
import { NavLink } from 'react-router-dom';
import { styled } from 'styled-components';
import type { FileIndex } from '../api/files';
import { indexAddress } from '../components/navigation';
import { fileIndexText, type FileIndexText } from '../hooks/failure-text';
import { useIndexActions } from '../hooks/management';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';

const ICON = '1.6rem';

const looks = {
  good: { Icon: CheckCircle, color: 'success500' },
  waiting: { Icon: Clock, color: 'neutral500' },
  bad: { Icon: WarningCircle, color: 'warning500' },
  neutral: { Icon: Information, color: 'neutral500' },
} as const;

interface FileIndexLineProps {
  index: FileIndex;
  /** Of the text, for `aria-describedby`. */
  id?: string;
}

/** Whether searches find a file, and if not, why. Shows roles that manage the index what they can do. */
export function FileIndexLine({ index, id }: FileIndexLineProps) {
  const { may } = useImageSearchPermissions();
  const content = fileIndexText(index, may.manage);
  const needsOperator = content.action !== null || index.isPaused;
  return (
    <Flex direction="column" alignItems="stretch" gap={2}>
      <Lines {...content} {...(id !== undefined && { id })} />
      <Indented>
        {index.message !== null && (
          <Typography variant="pi" textColor="neutral600" style={{ overflowWrap: 'anywhere' }}>
            {index.message}
          </Typography>
        )}
        {may.manage && needsOperator && <Actions fileId={index.fileId} action={content.action} />}
      </Indented>
    </Flex>
  );
}

function Lines({ tone, title, reason, id }: FileIndexText & { id?: string }) {
  const text = useText();
  const { Icon, color } = looks[tone];
  return (
    <Flex gap={2} alignItems="flex-start" role="status" {...(id !== undefined && { id })}>
      <Icon aria-hidden fill={color} width={ICON} height={ICON} style={{ flexShrink: 0 }} />
      <Box minWidth={0}>
        <Typography tag="p" variant="pi" textColor="neutral800">
          {text(title)}
        </Typography>
        {reason !== null && (
          <Typography tag="p" variant="pi" textColor="neutral600">
            {text(reason)}
          </Typography>
        )}
      </Box>
    </Flex>
  );
}

function Actions({ fileId, action }: { fileId: number } & Pick<FileIndexText, 'action'>) {
  const text = useText();
  const { retry } = useIndexActions();
  return (
    <Flex gap={3} wrap="wrap">
      {action !== null && (
        <Button
          size="S"
          variant="tertiary"
          startIcon={<ArrowClockwise />}
          loading={retry.isPending}
          onClick={() => {
            retry.mutate([fileId]);
          }}
        >
          {text(action)}
        </Button>
      )}
      <Link tag={NavLink} to={indexAddress}>
        {text('search.failure.openIndex')}
      </Link>
    </Flex>
  );
}

/** Aligned with the text, not with its icon; takes no space when empty. */
const Indented = styled.div`
  display: flex;
  flex-direction: column;
  gap: ${({ theme }) => theme.spaces[2]};
  padding-left: calc(${ICON} + ${({ theme }) => theme.spaces[2]});
  &:empty {
    display: none;
  }
`;
