import { Box, Button, Flex, Link as TextLink, Loader, Typography } from '@strapi/design-system';
import { EmptyPictures } from '@strapi/icons/symbols';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import type { SearchAnswer, SearchHit } from '../../api/search';
import { StateMessage } from '../../components/state-message';
import { usePanelSettings } from '../../hooks/panel-settings';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useText } from '../../hooks/text';

interface ResultsProps {
  meta: SearchAnswer['meta'];
  hits: readonly SearchHit[];
  /** The words that were looked for. */
  words: string;
  isFiltered: boolean;
  /** Whether these are the results of the question before. */
  isStale: boolean;
  onRemoveFilters: () => void;
  children: ReactNode;
}

/** What a search has found, with what there is to say about it. */
export function Results(props: ResultsProps) {
  const { meta, hits, words, isStale, children } = props;
  const text = useText();
  const { indexed, total } = meta.index;
  if (hits.length === 0) return <NothingFound {...props} />;
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <Flex justifyContent="space-between" gap={4} wrap="wrap" minHeight="2.4rem">
        <Typography textColor="neutral600">{text('search.results.best')}</Typography>
        {indexed < total && <Incomplete indexed={indexed} total={total} />}
      </Flex>
      {meta.nothingClose === true && (
        <Notice>
          <Typography tag="p" fontWeight="semiBold">
            {text('search.notice.nothingClose.title', { text: words })}
          </Typography>
          <Typography tag="p" textColor="neutral700">
            {text('search.notice.nothingClose.text')}
          </Typography>
        </Notice>
      )}
      <Dimmed $isStale={isStale} aria-busy={isStale}>
        {children}
      </Dimmed>
    </Flex>
  );
}

/** Whoever looks after the index can see why; others can of each picture. */
function Incomplete(coverage: { indexed: number; total: number }) {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const whyMissing = useWhyMissing();
  return (
    <Typography variant="pi" textColor="neutral600">
      {text('search.notice.incomplete', coverage)}{' '}
      {may.manage ? (
        <TextLink tag={Link} to="../index" relative="path">
          {text('search.failure.openIndex')}
        </TextLink>
      ) : (
        whyMissing
      )}
    </Typography>
  );
}

function NothingFound({ meta, isFiltered, onRemoveFilters }: ResultsProps) {
  const text = useText();
  const whyMissing = useWhyMissing();
  const { indexed, total } = meta.index;
  const reason = () => {
    if (isFiltered) return text('search.nothing.filtered');
    return text(indexed === 0 ? 'search.nothing.unindexed' : 'search.nothing.text');
  };
  return (
    <StateMessage
      icon={<EmptyPictures width="16rem" />}
      title={text('search.nothing.title')}
      text={reason()}
      {...(indexed < total && whyMissing !== null && { details: whyMissing })}
      action={
        isFiltered && (
          <Button variant="secondary" onClick={onRemoveFilters}>
            {text('search.nothing.filtered.action')}
          </Button>
        )
      }
    />
  );
}

/** Where to read why a picture is missing; null when the Media Library does not say it. */
function useWhyMissing(): string | null {
  const text = useText();
  const settings = usePanelSettings();
  return settings?.mediaLibrary === true ? text('search.notice.whyMissing') : null;
}

/** While the first answer is on its way. */
export function Searching() {
  const text = useText();
  return (
    <Flex justifyContent="center" padding={11}>
      <Loader>{text('search.results.searching')}</Loader>
    </Flex>
  );
}

const Notice = styled(Box)`
  padding: ${({ theme }) => `${theme.spaces[3]} ${theme.spaces[4]}`};
  border: 1px solid ${({ theme }) => theme.colors.warning200};
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.warning100};
`;

const Dimmed = styled.div<{ $isStale: boolean }>`
  opacity: ${({ $isStale }) => ($isStale ? 0.55 : 1)};
  @media (prefers-reduced-motion: no-preference) {
    transition: opacity 120ms;
  }
`;
