import { Button, Flex } from '@strapi/design-system';
import { ArrowsCounterClockwise, Play, Stop } from '@strapi/icons';
import { useState } from 'react';
import type { Status } from '../../api/management';
import { useIndexActions } from '../../hooks/index-actions';
import { useText } from '../../hooks/text';
import { RebuildDialog } from './rebuild-dialog';

/** Stops and resumes indexing, and starts a rebuild. */
export function IndexControls({ status }: { status: Status }) {
  const text = useText();
  const [isRebuilding, setIsRebuilding] = useState(false);
  const { hold, resume } = useIndexActions();
  return (
    <Flex gap={2}>
      {status.hold ? (
        <Button
          variant="secondary"
          startIcon={<Play />}
          loading={resume.isPending}
          onClick={() => {
            resume.mutate(undefined);
          }}
        >
          {text('index.resume')}
        </Button>
      ) : (
        <Button
          variant="tertiary"
          startIcon={<Stop />}
          loading={hold.isPending}
          onClick={() => {
            hold.mutate(undefined);
          }}
        >
          {text('index.stop')}
        </Button>
      )}
      <Button
        startIcon={<ArrowsCounterClockwise />}
        onClick={() => {
          setIsRebuilding(true);
        }}
      >
        {text('index.rebuild')}
      </Button>
      {isRebuilding && (
        <RebuildDialog
          onClose={() => {
            setIsRebuilding(false);
          }}
        />
      )}
    </Flex>
  );
}
