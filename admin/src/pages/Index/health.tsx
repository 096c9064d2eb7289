import { Box, Button, Flex, Typography } from '@strapi/design-system';
import { ArrowClockwise, CheckCircle, CrossCircle } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useMutation } from '@tanstack/react-query';
import { managementApi, type Status } from '../../api/management';
import { explainProblem, useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useText } from '../../hooks/text';
import { Card, Note } from './card';

interface IndexNotesProps {
  status: Status;
  /** Why the last request failed; null when the figures are current. */
  failure: unknown;
  /** When the figures were read, in milliseconds since the epoch. */
  readAt: number;
}

/** What keeps the index from working, and whether the figures are outdated. */
export function IndexNotes({ status, failure, readAt }: IndexNotesProps) {
  const text = useText();
  const failureText = useFailureText();
  const formats = useFormats();
  const { failedModel, hold, pausedHosts, preparation, usage, worker } = status;
  return (
    <>
      {failure !== null && (
        <Note tone="danger">
          {failureText(failure)}{' '}
          {text('index.note.stale', { time: formats.dateTime(new Date(readAt).toISOString()) })}
        </Note>
      )}
      {hold && (
        <Note tone="warning">
          {hold.by === null
            ? text('index.note.stopped', { time: formats.dateTime(hold.since) })
            : text('index.note.stoppedBy', { time: formats.dateTime(hold.since), name: hold.by })}
        </Note>
      )}
      {worker.pause && (
        <Note tone="danger">
          {explainProblem(worker.pause, text)}{' '}
          {text('index.note.pause', { left: formats.duration(worker.pause.remainingSeconds) })}
        </Note>
      )}
      {pausedHosts.map(({ host, message, remainingSeconds }) => (
        <Note key={host} tone="warning">
          {text('index.note.host', { host })} {text('search.failure.details', { message })}{' '}
          {text('index.note.pause', { left: formats.duration(remainingSeconds) })}
        </Note>
      ))}
      {usage.pausedUntil !== null && (
        <Note tone="warning">
          {text('index.note.budget', { time: formats.date(usage.pausedUntil) })}
        </Note>
      )}
      {failedModel && (
        <Note tone="warning">
          {text('index.note.failedModel', {
            model: failedModel.model,
            message: failedModel.message,
          })}
        </Note>
      )}
      {preparation !== null && <Note tone="neutral">{preparation}</Note>}
      {worker.state === 'disabled' && <Note tone="neutral">{text('index.note.disabled')}</Note>}
    </>
  );
}

/** Whether the model and the vector store respond, with a button to test them. */
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
  const { provider, store } = test.data ?? status;
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
          health={provider}
          message={
            !provider.ok
              ? explainProblem({ ...provider, code: 'provider-unavailable' }, text)
              : status.space === null
                ? null
                : text('index.health.ready', { model: status.space.model })
          }
        />
        <Part
          label={text('index.health.store')}
          health={store}
          message={
            store.ok ? store.message : explainProblem({ ...store, code: 'store-unavailable' }, text)
          }
        />
      </Flex>
    </Card>
  );
}

interface Health {
  ok: boolean;
  milliseconds?: number;
}

function Part({
  label,
  health: { ok, milliseconds },
  message,
}: {
  label: string;
  health: Health;
  message: string | null;
}) {
  const text = useText();
  const formats = useFormats();
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
        {message !== null && (
          <Typography
            variant="pi"
            textColor="neutral600"
            tag="p"
            style={{ overflowWrap: 'anywhere' }}
          >
            {message}
          </Typography>
        )}
      </Box>
    </Flex>
  );
}
