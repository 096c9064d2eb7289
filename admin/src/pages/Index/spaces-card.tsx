import { Badge, Box, Button, Flex, Typography } from '@strapi/design-system';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { SpaceStatus } from '../../../../plugin/src/contracts/management';
import type { Status } from '../../api/management';
import { useDuration } from '../../hooks/durations';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Bar } from '../../components/bar';
import { Card } from './card';
import { SpaceQuestion, type Intent } from './space-question';

const badgeOf = {
  answering: 'success',
  filling: 'primary',
  fallback: 'secondary',
  kept: 'neutral',
} as const;

/** Every model there are vectors of, and which of them answers. */
export function SpacesCard({ status }: { status: Status }) {
  const text = useText();
  const [intent, setIntent] = useState<Intent | null>(null);
  return (
    <Card title={text('index.spaces.title')}>
      <Flex tag="ul" direction="column" alignItems="stretch" gap={0}>
        {status.spaces.map((space) => (
          <Row key={space.id} tag="li" paddingTop={4} paddingBottom={4}>
            <Space space={space} total={status.total} onIntent={setIntent} />
          </Row>
        ))}
      </Flex>
      {intent && (
        <SpaceQuestion
          intent={intent}
          status={status}
          onClose={() => {
            setIntent(null);
          }}
        />
      )}
    </Card>
  );
}

interface SpaceProps {
  space: SpaceStatus;
  total: number;
  onIntent: (intent: Intent) => void;
}

function Space({ space, total, onIntent }: SpaceProps) {
  const text = useText();
  const formats = useFormats();
  const duration = useDuration();
  const { counts, model, provider, role, problem, remainingSeconds } = space;
  const indexed = counts.indexed;
  const name = nameInConfiguration(space);
  return (
    <Flex gap={4} wrap="wrap" justifyContent="space-between">
      <Box flex="1 1 28rem" minWidth={0}>
        <Flex gap={2} wrap="wrap">
          <Typography fontWeight="semiBold" tag="h3" style={{ overflowWrap: 'anywhere' }}>
            {model}
          </Typography>
          <Badge variant={badgeOf[role]}>{text(`index.role.${role}`)}</Badge>
        </Flex>
        <Typography variant="pi" textColor="neutral600" tag="p">
          {text('index.spaces.description', {
            provider,
            dimensions: formats.number(space.dimensions),
          })}
        </Typography>
        {name !== null && (
          <Typography variant="pi" textColor="neutral600" tag="p">
            {text(`index.spaces.named.${name}`)}
          </Typography>
        )}
        {problem !== null && (
          <Typography variant="pi" textColor="danger600" tag="p">
            {problem}
          </Typography>
        )}
      </Box>
      <Box flex="0 1 26rem" minWidth="18rem">
        <Bar label={model} part={indexed} of={total} />
        <Typography variant="pi" textColor="neutral600" tag="p">
          {text('index.spaces.coverage', {
            indexed: formats.number(indexed),
            total: formats.number(total),
          })}
          {remainingSeconds !== null &&
            remainingSeconds > 0 &&
            ` · ${text('index.coverage.left', { left: duration(remainingSeconds) })}`}
        </Typography>
      </Box>
      <Flex gap={2} flex="0 0 auto" justifyContent="flex-end">
        {role !== 'answering' && (
          <Button
            variant="tertiary"
            onClick={() => {
              onIntent({ what: 'activate', space });
            }}
          >
            {text('index.spaces.activate')}
          </Button>
        )}
        {role !== 'answering' && name === null && (
          <Button
            variant="danger-light"
            onClick={() => {
              onIntent({ what: 'drop', space });
            }}
          >
            {text('index.spaces.drop')}
          </Button>
        )}
      </Flex>
    </Flex>
  );
}

/** What the configuration names a space that does not answer: it would be filled again if it were deleted. */
function nameInConfiguration({
  isConfigured,
  role,
}: SpaceStatus): 'configured' | 'fallback' | null {
  if (role === 'answering') return null;
  if (isConfigured) return 'configured';
  return role === 'fallback' ? 'fallback' : null;
}

const Row = styled(Box)`
  & + & {
    border-top: 1px solid ${({ theme }) => theme.colors.neutral150};
  }
  &:first-child {
    padding-top: 0;
  }
  &:last-child {
    padding-bottom: 0;
  }
`;
