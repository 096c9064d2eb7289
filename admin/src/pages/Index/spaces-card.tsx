import { Badge, Box, Button, Flex, Typography } from '@strapi/design-system';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { SpaceStatus } from '../../../../plugin/src/contracts/management';
import type { Status } from '../../api/management';
import { Confirmation } from '../../components/confirmation';
import { spaceProblemText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useIndexActions } from '../../hooks/management';
import { useText } from '../../hooks/text';
import { ProgressBar } from '../../components/progress-bar';
import { Card } from './card';

const badgeOf = {
  active: 'success',
  building: 'primary',
  fallback: 'secondary',
  standby: 'neutral',
  abandoned: 'neutral',
} as const;

/** Whether it was never finished and never will be, such as that of a mistyped model. */
export function isAbandoned({ isConfigured, role }: SpaceStatus): boolean {
  return role === 'building' && !isConfigured;
}

/** Every model with an index, and its role. */
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
  const { counts, model, provider, role, problem, remainingSeconds } = space;
  const indexed = counts.indexed;
  const name = settingOf(space);
  const state = isAbandoned(space) ? 'abandoned' : role;
  return (
    <Flex gap={4} wrap="wrap" justifyContent="space-between">
      <Box flex="1 1 28rem" minWidth={0}>
        <Flex gap={2} wrap="wrap">
          <Typography fontWeight="semiBold" tag="h3" style={{ overflowWrap: 'anywhere' }}>
            {model}
          </Typography>
          <Badge variant={badgeOf[state]}>{text(`index.role.${state}`)}</Badge>
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
        {state === 'abandoned' && (
          <Typography variant="pi" textColor="neutral600" tag="p">
            {text('index.spaces.abandoned')}
          </Typography>
        )}
        {problem !== null && state !== 'abandoned' && (
          <Typography variant="pi" textColor="danger600" tag="p">
            {spaceProblemText(problem, text)}
          </Typography>
        )}
      </Box>
      <Box flex="0 1 26rem" minWidth="18rem">
        <ProgressBar label={model} part={indexed} of={total} />
        <Typography variant="pi" textColor="neutral600" tag="p">
          {text('index.spaces.coverage', {
            indexed: formats.number(indexed),
            total: formats.number(total),
          })}
          {remainingSeconds !== null &&
            remainingSeconds > 0 &&
            ` · ${text('index.coverage.left', { left: formats.duration(remainingSeconds) })}`}
        </Typography>
      </Box>
      <Flex gap={2} flex="0 0 auto" justifyContent="flex-end">
        {state !== 'active' && state !== 'abandoned' && (
          <Button
            variant="tertiary"
            onClick={() => {
              onIntent({ what: 'activate', space });
            }}
          >
            {text('index.spaces.activate')}
          </Button>
        )}
        {role !== 'active' && name === null && (
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

/** The setting that names an inactive space: it would be built again if it were deleted. */
function settingOf({ isConfigured, role }: SpaceStatus): 'configured' | 'fallback' | null {
  if (role === 'active') return null;
  if (isConfigured) return 'configured';
  return role === 'fallback' ? 'fallback' : null;
}

/** What to do with a space, once confirmed. */
interface Intent {
  what: 'activate' | 'drop';
  space: SpaceStatus;
}

interface SpaceQuestionProps {
  intent: Intent;
  status: Status;
  onClose: () => void;
}

/** Explains the consequences, and acts when confirmed. */
function SpaceQuestion({ intent: { what, space }, status, onClose }: SpaceQuestionProps) {
  const text = useText();
  const formats = useFormats();
  const actions = useIndexActions();
  const { counts, model } = space;
  const { failed, indexed, skipped } = counts;
  const filling = status.spaces.find(
    ({ isConfigured, role }) => isConfigured && role === 'building',
  );
  const values = {
    model,
    filling: filling?.model,
    indexed: formats.number(indexed),
    total: formats.number(status.total),
    missing: Math.max(0, status.total - indexed - failed - skipped),
    next: filling && (filling.id === space.id ? 'itself' : 'another'),
  };
  return (
    <Confirmation
      title={text(`index.spaces.${what}.title`)}
      question={text(`index.spaces.${what}.question`, values)}
      action={text(`index.spaces.${what}`)}
      isDangerous={what === 'drop'}
      onConfirm={() => {
        actions[what].mutate(space.id);
      }}
      onClose={onClose}
    />
  );
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
