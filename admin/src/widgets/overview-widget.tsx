import { Box, Flex, Link, Typography } from '@strapi/design-system';
import { Widget } from '@strapi/strapi/admin';
import { useQuery } from '@tanstack/react-query';
import { NavLink } from 'react-router-dom';
import { fetchCounts } from '../api/duplicates';
import { HOME, indexAddress } from '../components/navigation';
import { ProgressBar } from '../components/progress-bar';
import { QueryProvider } from '../components/query-provider';
import { useFormats } from '../hooks/formats';
import { useIndexStatus } from '../hooks/management';
import { useImageSearchPermissions } from '../hooks/permissions';
import { useText } from '../hooks/text';

/** On Strapi's home page: how much is searchable, what is left to review, and links; as far as the role may see it. */
export default function OverviewWidget() {
  return (
    <QueryProvider>
      <Overview />
    </QueryProvider>
  );
}

function Overview() {
  const text = useText();
  const { may, isLoading } = useImageSearchPermissions();
  if (isLoading) return <Widget.Loading />;
  return (
    <Flex direction="column" alignItems="stretch" justifyContent="center" gap={5} height="100%">
      {may.manage && <Coverage />}
      {may.duplicates && <OpenDuplicates />}
      {may.search && (
        <Link tag={NavLink} to={`${HOME}/search`}>
          {text('widgets.home.search')}
        </Link>
      )}
    </Flex>
  );
}

function Coverage() {
  const text = useText();
  const formats = useFormats();
  const { status, isLost } = useIndexStatus();
  if (isLost) return <Widget.Error />;
  if (!status) return <Widget.Loading />;
  const { counts, searchable, total } = status;
  return (
    <Box>
      <Flex justifyContent="space-between" alignItems="baseline" gap={2} paddingBottom={2}>
        <Typography variant="beta" tag="p">
          {text('widgets.home.coverage', {
            indexed: formats.number(searchable),
            total: formats.number(total),
          })}
        </Typography>
        <Link tag={NavLink} to={indexAddress}>
          {text('common.page.index')}
        </Link>
      </Flex>
      <ProgressBar label={text('index.coverage.title')} part={searchable} of={total} />
      <Typography variant="pi" textColor={counts.failed > 0 ? 'danger600' : 'neutral600'} tag="p">
        {counts.failed > 0
          ? text('widgets.home.failed', { count: counts.failed })
          : text('index.coverage.title')}
      </Typography>
    </Box>
  );
}

function OpenDuplicates() {
  const text = useText();
  const { data } = useQuery({
    queryKey: ['open-duplicates'],
    queryFn: ({ signal }) => fetchCounts(signal),
  });
  if (data === undefined) return null;
  return (
    <Flex justifyContent="space-between" alignItems="baseline" gap={2}>
      {data && <Typography>{text('widgets.home.duplicates', { count: data.open })}</Typography>}
      <Link tag={NavLink} to={`${HOME}/duplicates`}>
        {text('common.page.duplicates')}
      </Link>
    </Flex>
  );
}
