import { Box, Button, Flex, Typography } from '@strapi/design-system';
import { ArrowClockwise, CheckCircle, CrossCircle } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useMutation } from '@tanstack/react-query';
import { managementApi, type Status } from '../../api/management';
import { useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Card } from './card';

interface Health {
  ok: boolean;
  message: string;
  milliseconds?: number;
}

/** Whether model and store answer; asked on demand, too. */
export function HealthCard({ status, onTested }: { status: Status; onTested: () => void }) {
  const text = useText();
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const test = useMutation({
    mutationFn: managementApi.test,
    onError: (failure) => {
      toggleNotification({ type: 'danger', message: failureText(failure) });
    },
    onSettled: onTested,
  });
  return (
    <Card
      title={text('index.health.title')}
      actions={
        <Button
          variant="tertiary"
          startIcon={<ArrowClockwise />}
          loading={test.isPending}
          onClick={() => {
            test.mutate();
          }}
        >
          {text('index.health.test')}
        </Button>
      }
    >
      <Flex direction="column" alignItems="stretch" gap={4}>
        <Part
          label={text('index.health.provider')}
          health={test.data?.provider ?? status.provider}
        />
        <Part label={text('index.health.store')} health={test.data?.store ?? status.store} />
      </Flex>
    </Card>
  );
}

function Part({ label, health }: { label: string; health: Health }) {
  const text = useText();
  const formats = useFormats();
  const { ok, message, milliseconds } = health;
  const Icon = ok ? CheckCircle : CrossCircle;
  return (
    <Flex gap={3} alignItems="flex-start">
      <Icon
        aria-hidden
        fill={ok ? 'success600' : 'danger600'}
        width="2rem"
        height="2rem"
        style={{ flexShrink: 0 }}
      />
      <Box minWidth={0}>
        <Typography fontWeight="semiBold" tag="h3">
          {label}
          {': '}
          {text(ok ? 'index.health.ok' : 'index.health.failed')}
          {milliseconds !== undefined && (
            <Typography variant="pi" textColor="neutral600">
              {' '}
              {text('index.health.took', { milliseconds: formats.number(milliseconds) })}
            </Typography>
          )}
        </Typography>
        <Typography
          variant="pi"
          textColor="neutral600"
          tag="p"
          style={{ overflowWrap: 'anywhere' }}
        >
          {message}
        </Typography>
      </Box>
    </Flex>
  );
}
