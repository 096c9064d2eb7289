import { Box, Button, Flex, LinkButton, Typography } from '@strapi/design-system';
import { EmptyPermissions, EmptyPictures } from '@strapi/icons/symbols';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import type { Asset } from '../../api/asset';
import { ApiFailure, isForbidden, isSignedOut } from '../../api/failure';
import { fitInto, FileImage, nameOf } from '../../components/file-image';
import { indexAddress, mediaLibraryAddress } from '../../components/navigation';
import { explainFailure } from '../../hooks/failure-text';
import { useRecentAssets } from '../../hooks/library';
import { useImageSearchPermissions } from '../../hooks/permissions';
import { useText, type Text } from '../../hooks/text';
import type { SearchState } from './page-state';
import { canSearch, emptyQuery, type SearchQuery } from './query';
import { Results } from './results/results';
import { StateMessage } from './state-message';

export const RECENT_COUNT = 18;
/** In pixels. */
const TILE_HEIGHT = 128;
const SUGGESTIONS = [
  'search.start.example.1',
  'search.start.example.2',
  'search.start.example.3',
  'search.start.example.4',
  'search.start.example.5',
] as const;

interface SearchContentsProps {
  state: SearchState;
  /** Before a search. */
  start: ReactNode;
  /** The images that were found, of which there is at least one. */
  children: ReactNode;
}

/** What a search comes to: the start, the images found, or why there are none. */
export function SearchContents({ state, start, children }: SearchContentsProps) {
  const { query, results, change } = state;
  if (state.isImageUnavailable) {
    return (
      <ImageUnavailable
        onRemove={() => {
          change({ ...query, image: null, region: null });
        }}
      />
    );
  }
  if (!canSearch(query)) return start;
  if (results.isError && !results.isFetchNextPageError) {
    return (
      <FailureState
        failure={results.error}
        fileId={onlyFileOf(query)}
        onRetry={() => void results.refetch()}
        onReset={() => {
          change(emptyQuery);
        }}
      />
    );
  }
  return <Results state={state}>{children}</Results>;
}

function onlyFileOf({ like, unlike }: SearchQuery): number | null {
  const [first, ...others] = [...like, ...unlike];
  return first === undefined || others.length > 0 ? null : first;
}

interface StartStateProps {
  onText: (text: string) => void;
  onAsset: (id: number) => void;
  /** What happens to a recent image. */
  use?: 'similar' | 'pick';
  picked?: ReadonlySet<number>;
}

/** Before a search: texts to try, and recent images to start from. */
export function StartState({ onText, ...recentProps }: StartStateProps) {
  const text = useText();
  const { data: recent, isPending } = useRecentAssets(RECENT_COUNT);
  if (recent?.length === 0) return <EmptyLibrary />;
  const suggestions = SUGGESTIONS.map((key) => text(key));
  return (
    <Flex direction="column" alignItems="stretch" gap={8} paddingTop={5}>
      <Flex gap={2} wrap="wrap">
        <Typography textColor="neutral600" paddingRight={1}>
          {text('search.start.try')}
        </Typography>
        {suggestions.map((suggestion) => (
          <Suggestion
            key={suggestion}
            type="button"
            onClick={() => {
              onText(suggestion);
            }}
          >
            {suggestion}
          </Suggestion>
        ))}
      </Flex>
      <Box minHeight="40rem" aria-busy={isPending}>
        {recent && <RecentImages {...recentProps} assets={recent} />}
      </Box>
    </Flex>
  );
}

const noneIsPicked: ReadonlySet<number> = new Set();

function RecentImages({
  assets,
  onAsset,
  use = 'similar',
  picked = noneIsPicked,
}: { assets: readonly Asset[] } & Omit<StartStateProps, 'onText'>) {
  const text = useText();
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <Flex alignItems="baseline" gap={3} wrap="wrap">
        <Typography tag="h2" variant="delta">
          {text('search.start.recent')}
        </Typography>
        {use === 'similar' && (
          <Typography textColor="neutral600">{text('search.start.recentHint')}</Typography>
        )}
      </Flex>
      <Tiles tag="ul" wrap="wrap" gap={2}>
        {assets.map((asset) => (
          <Tile key={asset.id} style={{ flexBasis: widthOf(asset), flexGrow: widthOf(asset) }}>
            <TileButton
              type="button"
              $isPicked={picked.has(asset.id)}
              {...(use === 'pick' && { 'aria-pressed': picked.has(asset.id) })}
              aria-label={text(
                use === 'pick' ? 'search.result.select' : 'search.start.findSimilar',
                { name: nameOf(asset) },
              )}
              onClick={() => {
                onAsset(asset.id);
              }}
            >
              <FileImage
                asset={asset}
                width={widthOf(asset)}
                fit={fitInto(asset, widthOf(asset) / TILE_HEIGHT)}
                alternativeText=""
              />
            </TileButton>
          </Tile>
        ))}
      </Tiles>
    </Flex>
  );
}

/** The width of a tile in pixels; very wide and very tall images are shown smaller. */
function widthOf({ width, height }: Asset): number {
  const ratio = width && height ? width / height : 1;
  return Math.round(TILE_HEIGHT * Math.min(Math.max(ratio, 0.6), 2));
}

function EmptyLibrary() {
  const text = useText();
  return (
    <StateMessage
      icon={<EmptyPictures width="16rem" />}
      title={text('search.empty.title')}
      text={text('search.empty.text')}
      action={
        <LinkButton tag={Link} to="/plugins/upload" variant="secondary">
          {text('search.empty.action')}
        </LinkButton>
      }
    />
  );
}

/** For an address that names an image of another browser tab. */
function ImageUnavailable({ onRemove }: { onRemove: () => void }) {
  const text = useText();
  return (
    <StateMessage
      icon={<EmptyPictures width="16rem" />}
      title={text('search.image.unavailable.title')}
      text={text('search.image.unavailable.text')}
      action={
        <Button variant="secondary" onClick={onRemove}>
          {text('search.image.unavailable.remove')}
        </Button>
      }
    />
  );
}

interface FailureStateProps {
  failure: Error;
  /** The file, if the search has exactly one; its details say why it can't be used. */
  fileId: number | null;
  onRetry: () => void;
  onReset: () => void;
}

/** Why a search failed, and what to do about it. */
function FailureState({ failure, fileId, onRetry, onReset }: FailureStateProps) {
  const text = useText();
  const { may } = useImageSearchPermissions();
  const { title, explanation, details, canRetry, needsOperator } = describe(failure, text);
  return (
    <StateMessage
      icon={
        isForbidden(failure) ? <EmptyPermissions width="16rem" /> : <EmptyPictures width="16rem" />
      }
      title={title}
      text={explanation}
      details={details}
      action={
        <>
          {canRetry ? (
            <Button variant="secondary" onClick={onRetry}>
              {text('common.failure.tryAgain')}
            </Button>
          ) : (
            <Button variant="secondary" onClick={onReset}>
              {text('search.failure.newSearch')}
            </Button>
          )}
          {fileId !== null && codeOf(failure) === 'not-ready' && (
            <LinkButton tag={Link} to={mediaLibraryAddress(fileId)} variant="tertiary">
              {text('search.details.openInLibrary')}
            </LinkButton>
          )}
          {needsOperator && may.manage && (
            <LinkButton tag={Link} to={indexAddress} variant="tertiary">
              {text('search.failure.openIndex')}
            </LinkButton>
          )}
        </>
      }
    />
  );
}

interface Description {
  title: string;
  explanation?: string;
  details?: string;
  canRetry: boolean;
  /** Whether it takes access to the index page to fix this. */
  needsOperator: boolean;
}

const SERVICE_UNAVAILABLE = 503;

function describe(failure: Error, text: Text): Description {
  const code = codeOf(failure);
  const details = text('search.failure.details', { message: failure.message });
  const explanation =
    failure instanceof ApiFailure ? explainFailure(failure, text) : text('common.failure.title');
  if (isSignedOut(failure)) {
    return { title: explanation, canRetry: true, needsOperator: false };
  }
  if (code === 'rate-limited') {
    return {
      title: text('search.failure.limited.title'),
      explanation: text('search.failure.limited.text'),
      canRetry: true,
      needsOperator: false,
    };
  }
  if (code === 'network' || code === 'unknown-answer') {
    const key = code === 'network' ? 'common.failure.network' : 'common.failure.answer';
    return {
      title: text('common.failure.title'),
      explanation: text(key),
      canRetry: true,
      needsOperator: false,
    };
  }
  if (isForbidden(failure)) {
    return {
      title: text('search.failure.forbidden.title'),
      explanation: text('search.failure.forbidden.text'),
      canRetry: true,
      needsOperator: false,
    };
  }
  if (failure instanceof ApiFailure && failure.status === SERVICE_UNAVAILABLE) {
    return {
      title: text('search.failure.unavailable.title'),
      explanation: text('search.failure.unavailable.text'),
      details,
      canRetry: true,
      needsOperator: true,
    };
  }
  if (code === 'file-not-found' || code.startsWith('image-') || code === 'not-ready') {
    return {
      title: text('search.failure.example.title'),
      explanation,
      canRetry: code === 'not-ready',
      needsOperator: false,
    };
  }
  if (['invalid-input', 'provider-rejected-input', 'text-unknown'].includes(code)) {
    return {
      title: text('search.failure.input.title'),
      explanation,
      canRetry: false,
      needsOperator: false,
    };
  }
  return { title: text('common.failure.title'), explanation, canRetry: true, needsOperator: true };
}

function codeOf(failure: Error): string {
  return failure instanceof ApiFailure ? failure.code : 'unexpected';
}

const Suggestion = styled.button`
  padding: 0.6rem 1.4rem;
  cursor: pointer;
  border: 1px solid ${({ theme }) => theme.colors.neutral200};
  border-radius: 999px;
  background: ${({ theme }) => theme.colors.neutral0};
  color: ${({ theme }) => theme.colors.neutral800};
  font-size: ${({ theme }) => theme.fontSizes[2]};
  &:hover {
    border-color: ${({ theme }) => theme.colors.primary600};
    color: ${({ theme }) => theme.colors.primary600};
  }
`;

const Tiles = styled(Flex)`
  /* Keeps the last row from stretching. */
  &::after {
    content: '';
    flex-grow: 100000;
  }
`;

const Tile = styled.li`
  height: ${String(TILE_HEIGHT)}px;
  max-width: 28rem;
`;

const TileButton = styled.button<{ $isPicked: boolean }>`
  width: 100%;
  height: 100%;
  padding: 0;
  overflow: hidden;
  cursor: pointer;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  ${({ $isPicked, theme }) => $isPicked && `box-shadow: 0 0 0 3px ${theme.colors.primary600};`}
  &:hover {
    box-shadow: 0 0 0 2px ${({ theme }) => theme.colors.primary600};
  }
`;
