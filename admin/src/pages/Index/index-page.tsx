import { Button, EmptyStateLayout, Flex, Grid, LinkButton } from '@strapi/design-system';
import { EmptyPictures } from '@strapi/icons/symbols';
import { Layouts, Page } from '@strapi/strapi/admin';
import { Link } from 'react-router-dom';
import type { Status } from '../../api/management';
import { useFailureText } from '../../hooks/failure-text';
import { useIndexStatus } from '../../hooks/index-status';
import { useText } from '../../hooks/text';
import { BillCard } from './bill-card';
import { CoverageCard } from './coverage-card';
import { GivenUpCard } from './given-up-card';
import { HealthCard } from './health-card';
import { IndexControls } from './index-controls';
import { IndexNotes } from './index-notes';
import { Note } from './note';
import { ScanCardIfAllowed } from './scan-card';
import { SpacesCard } from './spaces-card';

export default function IndexPage() {
  const text = useText();
  const index = useIndexStatus();
  const { status } = index;
  return (
    <Page.Main>
      <Page.Title>{text('index.title')}</Page.Title>
      <Layouts.Header
        title={text('index.title')}
        subtitle={text('index.subtitle')}
        primaryAction={status && <IndexControls status={status} />}
      />
      <Layouts.Content>
        {status ? (
          <Flex direction="column" alignItems="stretch" gap={4} paddingBottom={10}>
            <IndexNotes status={status} failure={index.failure} readAt={index.readAt} />
            {status.total === 0 ? <NoPictures /> : <Overview status={status} />}
            <Details status={status} onChanged={index.readAgain} />
          </Flex>
        ) : index.isLost ? (
          <Lost failure={index.failure} onTryAgain={index.readAgain} />
        ) : (
          <Page.Loading>{text('common.loading')}</Page.Loading>
        )}
      </Layouts.Content>
    </Page.Main>
  );
}

function Overview({ status }: { status: Status }) {
  return (
    <>
      <CoverageCard status={status} />
      <GivenUpCard status={status} />
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
          <BillCard bill={status.bill} />
        </Grid.Item>
      </Grid.Root>
      <ScanCardIfAllowed />
    </>
  );
}

function NoPictures() {
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

function Lost({ failure, onTryAgain }: { failure: unknown; onTryAgain: () => void }) {
  const text = useText();
  const failureText = useFailureText();
  return (
    <Note
      tone="danger"
      action={
        <Button variant="tertiary" onClick={onTryAgain}>
          {text('common.failure.tryAgain')}
        </Button>
      }
    >
      {failureText(failure)}
    </Note>
  );
}
