import { Box, Button, Flex, Loader, Typography } from '@strapi/design-system';
import { CheckCircle, CrossCircle, Play, WarningCircle } from '@strapi/icons';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Check } from '../../../../plugin/src/contracts/checks';
import { managementApi } from '../../api/management';
import { useFailureText } from '../../hooks/failure-text';
import { useText } from '../../hooks/text';
import { Card, Note } from './card';

/** Checks the installation on request, as `strapi-plugin-image-search doctor` does on the command line. */
export function ChecksCard() {
  const text = useText();
  const failureText = useFailureText();
  const [isWanted, setIsWanted] = useState(false);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['installation-checks'],
    queryFn: ({ signal }) => managementApi.checks(signal),
    enabled: isWanted,
    retry: false,
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  return (
    <Card
      title={text('index.checks.title')}
      actions={
        <Button
          variant="tertiary"
          startIcon={<Play />}
          loading={isFetching}
          onClick={() => {
            if (isWanted) void refetch();
            else setIsWanted(true);
          }}
        >
          {text(data ? 'index.checks.again' : 'index.checks.run')}
        </Button>
      }
    >
      <div aria-live="polite" aria-busy={isFetching}>
        {error !== null && !isFetching ? (
          <Note tone="danger">{failureText(error)}</Note>
        ) : data ? (
          <CheckList checks={data} />
        ) : isFetching ? (
          <Flex justifyContent="center" padding={4}>
            <Loader>{text('common.loading')}</Loader>
          </Flex>
        ) : (
          <Typography textColor="neutral600">{text('index.checks.empty')}</Typography>
        )}
      </div>
    </Card>
  );
}

function CheckList({ checks }: { checks: readonly Check[] }) {
  const text = useText();
  const failed = checks.filter(({ status }) => status === 'failed').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  return (
    <>
      <Typography tag="p" fontWeight="semiBold" paddingBottom={3}>
        {failed + warnings === 0
          ? text('index.checks.passed')
          : text('index.checks.summary', { failed, warnings })}
      </Typography>
      <Flex tag="ul" direction="column" alignItems="stretch" gap={3}>
        {checks.map((check, position) => (
          <CheckRow key={`${check.id} ${String(position)}`} check={check} />
        ))}
      </Flex>
    </>
  );
}

const looks = {
  ok: { Icon: CheckCircle, fill: 'success600' },
  warning: { Icon: WarningCircle, fill: 'warning600' },
  failed: { Icon: CrossCircle, fill: 'danger600' },
} as const;

function CheckRow({ check: { advice, found, id, status } }: { check: Check }) {
  const text = useText();
  const { Icon, fill } = looks[status];
  return (
    <Flex tag="li" gap={3} alignItems="flex-start">
      <Icon aria-hidden fill={fill} width="2rem" height="2rem" style={{ flexShrink: 0 }} />
      <Box minWidth={0} style={{ overflowWrap: 'anywhere' }}>
        <Typography fontWeight="semiBold" tag="h3">
          {text(`index.checks.name.${id}`)}
          {': '}
          {text(`index.checks.${status}`)}
        </Typography>
        <Typography variant="pi" textColor="neutral600" tag="p">
          {found}
        </Typography>
        {advice !== null && (
          <Typography variant="pi" textColor="neutral800" tag="p">
            {advice}
          </Typography>
        )}
      </Box>
    </Flex>
  );
}
