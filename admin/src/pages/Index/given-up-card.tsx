import { Box, Button, EmptyStateLayout, Flex, Loader, Tabs } from '@strapi/design-system';
import { ArrowClockwise } from '@strapi/icons';
import { useState } from 'react';
import type { GivenUpState, Status } from '../../api/management';
import { useFailureText } from '../../hooks/failure-text';
import { useGivenUpPictures } from '../../hooks/given-up-pictures';
import { useIndexActions } from '../../hooks/index-actions';
import { useText } from '../../hooks/text';
import { Card } from './card';
import { GivenUpRow } from './given-up-row';
import { Note } from './note';

const states = ['failed', 'skipped'] as const;

/** Pictures that cannot be found, why, and what to do about it. Nothing when there are none. */
export function GivenUpCard({ status: { counts } }: { status: Status }) {
  const text = useText();
  const { reindex } = useIndexActions();
  const { failed, skipped } = counts;
  const [wanted, setWanted] = useState<GivenUpState | null>(null);
  if (failed + skipped === 0) return null;
  const shown = wanted ?? (failed > 0 ? 'failed' : 'skipped');
  const shownCount = shown === 'failed' ? failed : skipped;
  return (
    <Card
      title={text('index.givenUp.title')}
      actions={
        shownCount > 0 && (
          <Button
            variant="secondary"
            startIcon={<ArrowClockwise />}
            loading={reindex.isPending}
            onClick={() => {
              reindex.mutate(shown);
            }}
          >
            {text('index.givenUp.retryAll', { count: shownCount })}
          </Button>
        )
      }
    >
      <Tabs.Root
        variant="simple"
        value={shown}
        onValueChange={(state) => {
          setWanted(states.find((known) => known === state) ?? null);
        }}
      >
        <Tabs.List aria-label={text('index.givenUp.title')}>
          <Tabs.Trigger value="failed">
            {text('index.givenUp.failed', { count: failed })}
          </Tabs.Trigger>
          <Tabs.Trigger value="skipped">
            {text('index.givenUp.skipped', { count: skipped })}
          </Tabs.Trigger>
        </Tabs.List>
        {states.map((state) => (
          <Tabs.Content key={state} value={state}>
            <GivenUpList state={state} count={state === 'failed' ? failed : skipped} />
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Card>
  );
}

function GivenUpList({ state, count }: { state: GivenUpState; count: number }) {
  const text = useText();
  const failureText = useFailureText();
  const list = useGivenUpPictures(state, count);
  const { pictures } = list;
  if (list.error && pictures === null) {
    return (
      <Box paddingTop={4}>
        <Note
          tone="danger"
          action={
            <Button variant="tertiary" onClick={list.readAgain}>
              {text('common.failure.tryAgain')}
            </Button>
          }
        >
          {failureText(list.error)}
        </Note>
      </Box>
    );
  }
  if (pictures === null) {
    return (
      <Flex justifyContent="center" padding={6}>
        <Loader>{text('common.loading')}</Loader>
      </Flex>
    );
  }
  if (pictures.length === 0) {
    return <EmptyStateLayout shadow="none" content={text(`index.givenUp.none.${state}`)} />;
  }
  return (
    <>
      <Box tag="ul" paddingTop={2}>
        {pictures.map((picture) => (
          <GivenUpRow key={picture.entry.fileId} picture={picture} />
        ))}
      </Box>
      {list.hasMore && (
        <Flex justifyContent="center" paddingTop={4}>
          <Button variant="tertiary" loading={list.isLoadingMore} onClick={list.loadMore}>
            {text('index.givenUp.more')}
          </Button>
        </Flex>
      )}
    </>
  );
}
