import {
  Box,
  Button,
  Field,
  Flex,
  Grid,
  Loader,
  Modal,
  Radio,
  Typography,
} from '@strapi/design-system';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ReindexScope } from '../../../../plugin/src/contracts/management';
import { managementApi, type Estimate } from '../../api/management';
import { useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useIndexActions } from '../../hooks/management';
import { useText } from '../../hooks/text';
import { Note } from './card';

const scopes = ['missing', 'failed', 'all'] as const;

type RebuildScope = (typeof scopes)[number];

/** Chooses what to reindex, and estimates what that takes before it starts. */
export function RebuildDialog({ onClose }: { onClose: () => void }) {
  const text = useText();
  const { reindex } = useIndexActions();
  const [scope, setScope] = useState<RebuildScope>('missing');
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal.Content aria-describedby={undefined}>
        <Modal.Header closeLabel={text('index.cancel')}>
          <Modal.Title>{text('index.reindex.title')}</Modal.Title>
        </Modal.Header>
        <Modal.Body>
          <Flex direction="column" alignItems="stretch" gap={6}>
            <ScopeChoice scope={scope} onChange={setScope} />
            <EstimateFigures scope={scope} />
          </Flex>
        </Modal.Body>
        <Modal.Footer>
          <Modal.Close>
            <Button variant="tertiary">{text('index.cancel')}</Button>
          </Modal.Close>
          <Button
            loading={reindex.isPending}
            onClick={() => {
              reindex.mutate(scope, { onSuccess: onClose });
            }}
          >
            {text('index.reindex.start')}
          </Button>
        </Modal.Footer>
      </Modal.Content>
    </Modal.Root>
  );
}

interface ScopeChoiceProps {
  scope: RebuildScope;
  onChange: (scope: RebuildScope) => void;
}

function ScopeChoice({ scope, onChange }: ScopeChoiceProps) {
  const text = useText();
  return (
    <Radio.Group
      aria-label={text('index.reindex.title')}
      value={scope}
      onValueChange={(value: string) => {
        onChange(scopes.find((known) => known === value) ?? 'missing');
      }}
    >
      {scopes.map((known) => (
        <Field.Root key={known} hint={text(`index.reindex.${known}.hint`)}>
          <Radio.Item value={known}>{text(`index.reindex.${known}`)}</Radio.Item>
          <Box paddingLeft={7}>
            <Typography variant="pi" textColor="neutral600">
              {text(`index.reindex.${known}.hint`)}
            </Typography>
          </Box>
        </Field.Root>
      ))}
    </Radio.Group>
  );
}

/** Images and time, and for hosted models requests, tokens and cost. */
function EstimateFigures({ scope }: { scope: ReindexScope }) {
  const text = useText();
  const failureText = useFailureText();
  const { data, error } = useQuery({
    queryKey: ['estimate', scope],
    queryFn: ({ signal }) => managementApi.estimate(scope, signal),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  return (
    <Box background="neutral100" hasRadius padding={4} aria-live="polite">
      <Typography variant="sigma" tag="h3" textColor="neutral600">
        {text('index.estimate.title')}
      </Typography>
      <Box paddingTop={3}>
        {data ? (
          <Figures estimate={data} />
        ) : error ? null : (
          <Loader small>{text('common.loading')}</Loader>
        )}
        {error && <Note tone="warning">{failureText(error)}</Note>}
      </Box>
    </Box>
  );
}

function Figures({ estimate }: { estimate: Estimate }) {
  const text = useText();
  const formats = useFormats();
  const { affordableImages, currency, spaces, total } = estimate;
  const isLocal = spaces.every((space) => space.isLocal);
  const show = (value: number | null, format: (known: number) => string): string =>
    value === null ? text('index.estimate.unknown') : format(value);
  const figures = [
    { label: text('index.estimate.images'), value: formats.number(total.images) },
    ...(total.embeddings > total.images
      ? [{ label: text('index.estimate.embeddings'), value: formats.number(total.embeddings) }]
      : []),
    { label: text('index.estimate.time'), value: show(total.seconds, formats.duration) },
    ...(isLocal
      ? []
      : [
          { label: text('index.estimate.requests'), value: show(total.requests, formats.number) },
          { label: text('index.estimate.tokens'), value: show(total.tokens, formats.number) },
          {
            label: text('index.estimate.cost'),
            value: show(total.cost, (cost) => formats.money(cost, currency)),
          },
        ]),
  ];
  const isTooMuch = !isLocal && affordableImages !== null && total.embeddings > affordableImages;
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <Grid.Root gap={4}>
        {figures.map(({ label, value }) => (
          <Grid.Item key={label} col={4} xs={6} direction="column" alignItems="start">
            <Typography variant="pi" textColor="neutral600">
              {label}
            </Typography>
            <Typography fontWeight="bold">{value}</Typography>
          </Grid.Item>
        ))}
      </Grid.Root>
      {isLocal && (
        <Typography variant="pi" textColor="neutral600">
          {text('index.estimate.local')}
        </Typography>
      )}
      {isTooMuch && (
        <Note tone="warning">
          {text('index.estimate.tooMuch', { affordable: formats.number(affordableImages) })}
        </Note>
      )}
    </Flex>
  );
}
