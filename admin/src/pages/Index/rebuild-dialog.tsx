import { Box, Button, Field, Flex, Modal, Radio, Typography } from '@strapi/design-system';
import { useState } from 'react';
import { useIndexActions } from '../../hooks/index-actions';
import { useText } from '../../hooks/text';
import { EstimateFigures } from './estimate-figures';

const scopes = ['missing', 'failed', 'all'] as const;
type RebuildScope = (typeof scopes)[number];

/** What to index again, and what that would take, before it begins. */
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
          <Modal.Title>{text('index.rebuild.title')}</Modal.Title>
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
            {text('index.rebuild.start')}
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
      aria-label={text('index.rebuild.title')}
      value={scope}
      onValueChange={(value: string) => {
        onChange(scopes.find((known) => known === value) ?? 'missing');
      }}
    >
      {scopes.map((known) => (
        <Field.Root key={known} hint={text(`index.rebuild.${known}.hint`)}>
          <Radio.Item value={known}>{text(`index.rebuild.${known}`)}</Radio.Item>
          <Box paddingLeft={7}>
            <Typography variant="pi" textColor="neutral600">
              {text(`index.rebuild.${known}.hint`)}
            </Typography>
          </Box>
        </Field.Root>
      ))}
    </Radio.Group>
  );
}
