import { Badge, Box, Button, Flex, Typography } from '@strapi/design-system';
import { useState } from 'react';
import { styled } from 'styled-components';
import type { SpaceStatus } from '../../../../plugin/src/contracts/management';
import type { Status } from '../../api/management';
import { useDuration } from '../../hooks/durations';
import { useFormats } from '../../hooks/formats';
import { useIndexActions } from '../../hooks/index-actions';
import { useText } from '../../hooks/text';
import { Bar } from '../../components/bar';
import { Card } from './card';
import { Confirmation } from './confirmation';

const badgeOf = {
  answering: 'success',
  filling: 'primary',
  fallback: 'secondary',
  kept: 'neutral',
} as const;

/** What an operator is asked about a space. */
interface Intent {
  what: 'activate' | 'drop';
  space: SpaceStatus;
}

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
        <Question
          intent={intent}
          total={status.total}
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
          <>
            <Button
              variant="tertiary"
              onClick={() => {
                onIntent({ what: 'activate', space });
              }}
            >
              {text('index.spaces.activate')}
            </Button>
            <Button
              variant="danger-light"
              onClick={() => {
                onIntent({ what: 'drop', space });
              }}
            >
              {text('index.spaces.drop')}
            </Button>
          </>
        )}
      </Flex>
    </Flex>
  );
}

interface QuestionProps {
  intent: Intent;
  total: number;
  onClose: () => void;
}

function Question({ intent: { what, space }, total, onClose }: QuestionProps) {
  const text = useText();
  const formats = useFormats();
  const actions = useIndexActions();
  const indexed = formats.number(space.counts.indexed);
  const values = { model: space.model, indexed, total: formats.number(total) };
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
