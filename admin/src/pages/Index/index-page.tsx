import { Button, EmptyStateLayout, Flex, Grid, LinkButton } from '@strapi/design-system';
import { ArrowsCounterClockwise, Play, Stop } from '@strapi/icons';
import { EmptyPictures } from '@strapi/icons/symbols';
import { Layouts, Page } from '@strapi/strapi/admin';
import { useState } from 'react';
import { Link } from 'react-router-dom';
import type { Status } from '../../api/management';
import { PageHeader } from '../../components/navigation';
import { useFailureText } from '../../hooks/failure-text';
import { useIndexActions, useIndexStatus } from '../../hooks/management';
import { useText } from '../../hooks/text';
import { Note } from './card';
import { ChecksCard } from './checks-card';
import { HealthCard, IndexNotes } from './health';
import { NotSearchableCard } from './not-searchable-card';
import { CoverageCard, ScanCard } from './progress-cards';
import { RebuildDialog } from './rebuild-dialog';
import { SpacesCard } from './spaces-card';
import { UsageCard } from './usage-card';

export default function IndexPage() {
  const text = useText();
  const index = useIndexStatus();
  const { status } = index;
  return (
    <Page.Main>
      <Page.Title>{text('index.title')}</Page.Title>
      <PageHeader
        title={text('index.title')}
        subtitle={text('index.subtitle')}
        actions={status && <IndexControls status={status} />}
      />
      <Layouts.Content>
        {status ? (
          <Flex direction="column" alignItems="stretch" gap={4} paddingBottom={10}>
            <IndexNotes status={status} failure={index.failure} readAt={index.readAt} />
            {status.total === 0 ? <NoImages /> : <Overview status={status} />}
            <Details status={status} onChanged={index.refetch} />
          </Flex>
        ) : index.isLost ? (
          <Lost failure={index.failure} onRetry={index.refetch} />
        ) : (
          <Page.Loading>{text('common.loading')}</Page.Loading>
        )}
      </Layouts.Content>
    </Page.Main>
  );
}

/** Stops and resumes indexing, and starts a rebuild. */
function IndexControls({ status }: { status: Status }) {
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
        {text('index.reindex')}
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

function Overview({ status }: { status: Status }) {
  return (
    <>
      <CoverageCard status={status} />
      <NotSearchableCard status={status} />
    </>
  );
}

function Details({ status, onChanged }: { status: Status; onChanged: () => void }) {
  return (
    <>
      {status.spaces.length > 0 && <SpacesCard status={status} />}
      <Grid.Root gap={4}>
        <Grid.Item col={6} xs={12} alignItems="stretch">
          <HealthCard status={status} onTested={onChanged} />
        </Grid.Item>
        <Grid.Item col={6} xs={12} alignItems="stretch">
          <UsageCard usage={status.usage} />
        </Grid.Item>
      </Grid.Root>
      <ScanCard />
      <ChecksCard />
    </>
  );
}

function NoImages() {
  const text = useText();
  return (
    <EmptyStateLayout
      icon={<EmptyPictures width="16rem" />}
      content={text('index.empty')}
      action={
        <LinkButton tag={Link} to="/plugins/upload" variant="secondary">
          {text('index.empty.open')}
        </LinkButton>
      }
    />
  );
}

function Lost({ failure, onRetry }: { failure: unknown; onRetry: () => void }) {
  const text = useText();
  const failureText = useFailureText();
  return (
    <Note
      tone="danger"
      action={
        <Button variant="tertiary" onClick={onRetry}>
          {text('common.failure.tryAgain')}
        </Button>
      }
    >
      {failureText(failure)}
    </Note>
  );
}
