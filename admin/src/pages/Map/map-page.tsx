import { Box, Button, Flex, IconButton, Typography, VisuallyHidden } from '@strapi/design-system';
import { Cross, Expand, Minus, Plus } from '@strapi/icons';
import { EmptyPictures } from '@strapi/icons/symbols';
import { Layouts, Page } from '@strapi/strapi/admin';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router-dom';
import { styled } from 'styled-components';
import { apiLimits } from '../../../../plugin/src/contracts/limits';
import { isNetworkFailure } from '../../api/failure';
import { fetchMap, type LibraryMap } from '../../api/map';
import { HOME, PageHeader, similarAddress } from '../../components/navigation';
import { ProgressBar } from '../../components/progress-bar';
import { explainProblem, useFailureText } from '../../hooks/failure-text';
import { useFormats } from '../../hooks/formats';
import { useAssets } from '../../hooks/library';
import { useText } from '../../hooks/text';
import { emptyQuery, writeAmong, writeQuery, type SearchFilters } from '../Search/query';
import { useDetailsInAddress } from '../Search/results/details-in-address';
import { DetailsPanel, DETAILS_WIDTH } from '../Search/results/details-panel';
import { StateMessage } from '../Search/state-message';
import { MapCanvas, type MapControls } from './map-canvas';

const POLL_EVERY_MS = 1_500;
const MAP_KEY = ['map'];

/** The library at a glance: images laid out by what they show. */
export default function MapPage() {
  const text = useText();
  const client = useQueryClient();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: MAP_KEY,
    queryFn: ({ signal }) => {
      const last = client.getQueryData<LibraryMap>(MAP_KEY);
      // Polls ask only for the next map's progress.
      return fetchMap(last?.meta.progress == null ? undefined : last, signal);
    },
    refetchInterval: ({ state }) =>
      state.data?.meta.progress == null && !isNetworkFailure(state.error) ? false : POLL_EVERY_MS,
  });
  const retry = (): void => void refetch();
  const isShown = data?.meta.state === 'ready' && data.data.fileIds.length > 0;
  const { id: detailsId } = useDetailsInAddress();
  return (
    <Page.Main>
      <Page.Title>{text('map.title')}</Page.Title>
      <Beside $isOpen={isShown && detailsId !== null}>
        <PageHeader
          title={text('map.title')}
          subtitle={isShown ? <Summary map={data} /> : text('map.subtitle')}
          actions={null}
        />
        <Layouts.Content>
          {isPending && <Page.Loading />}
          {isShown && <LibraryMapView map={data} />}
          {!isPending && !isShown && <WhyNone map={data} error={error} onRetry={retry} />}
        </Layouts.Content>
      </Beside>
      {isShown && detailsId !== null && <Details id={detailsId} />}
    </Page.Main>
  );
}

function Summary({ map: { data, meta } }: { map: LibraryMap }) {
  const text = useText();
  const formats = useFormats();
  const count = data.fileIds.length;
  const line = text(meta.isSample ? 'map.sample' : 'map.count', { count });
  if (meta.progress === null) return line;
  return `${line} ${text('map.renewing', { progress: formats.percent(meta.progress) })}`;
}

/** Instead of a map. */
function WhyNone({
  map,
  error,
  onRetry,
}: {
  map: LibraryMap | undefined;
  error: Error | null;
  onRetry: () => void;
}) {
  const text = useText();
  const failureText = useFailureText();
  const retry = (
    <Button variant="secondary" onClick={onRetry}>
      {text('common.failure.tryAgain')}
    </Button>
  );
  if (!map) {
    return <StateMessage title={text('map.failed')} text={failureText(error)} action={retry} />;
  }
  const { problem, progress, state } = map.meta;
  if (state === 'failed' && problem) {
    return (
      <StateMessage
        title={text('map.failed')}
        text={explainProblem(problem, text)}
        action={retry}
      />
    );
  }
  if (state === 'computing') {
    return (
      <StateMessage
        title={text('map.computing.title')}
        text={text('map.computing.text')}
        action={
          <Box width="28rem" maxWidth="70vw">
            <ProgressBar label={text('map.progress')} part={progress ?? 0} of={1} />
          </Box>
        }
      />
    );
  }
  const isEmpty = state === 'empty';
  return (
    <StateMessage
      icon={<EmptyPictures width="16rem" height="8.8rem" aria-hidden />}
      title={text(isEmpty ? 'map.empty.title' : 'map.nothing.title')}
      text={text(isEmpty ? 'map.empty.text' : 'map.nothing.text')}
    />
  );
}

const highlights = ['duplicates', 'unused'] as const;

function LibraryMapView({ map: { data } }: { map: LibraryMap }) {
  const text = useText();
  const helpId = useId();
  const { open } = useDetailsInAddress();
  const controls = useRef<MapControls | null>(null);
  const [isSelecting, setSelecting] = useState(false);
  const [shownHighlight, setHighlight] = useState<(typeof highlights)[number] | null>(null);
  const [selectedIds, setSelectedIds] = useState<readonly number[]>([]);
  const places = useMemo(
    () => new Map(data.fileIds.map((id, index) => [id, index])),
    [data.fileIds],
  );
  const indicesOf = (ids: readonly number[]): ReadonlySet<number> =>
    new Set(ids.flatMap((id) => places.get(id) ?? []));
  const highlighted = shownHighlight && data[shownHighlight];
  return (
    <Flex direction="column" alignItems="stretch" gap={3}>
      <Flex gap={2} wrap="wrap">
        <IconButton label={text('map.zoomIn')} onClick={() => controls.current?.zoom(1)}>
          <Plus />
        </IconButton>
        <IconButton label={text('map.zoomOut')} onClick={() => controls.current?.zoom(-1)}>
          <Minus />
        </IconButton>
        <IconButton label={text('map.whole')} onClick={() => controls.current?.showWhole()}>
          <Expand />
        </IconButton>
        <Toggle
          label={text('map.select')}
          isOn={isSelecting}
          onChange={() => {
            setSelecting(!isSelecting);
          }}
        />
        <Button
          variant="tertiary"
          onClick={() => {
            controls.current?.selectVisible();
          }}
        >
          {text('map.selectVisible')}
        </Button>
        {highlights.map((name) => (
          <Toggle
            key={name}
            label={text(`map.${name}`, { count: data[name].length })}
            isOn={shownHighlight === name}
            isDisabled={data[name].length === 0}
            onChange={() => {
              setHighlight(shownHighlight === name ? null : name);
            }}
          />
        ))}
      </Flex>
      <Selection
        ids={selectedIds}
        onClear={() => {
          setSelectedIds([]);
        }}
      />
      <MapCanvas
        images={data}
        highlighted={useMemo(
          () => highlighted && new Set(highlighted.flatMap((id) => places.get(id) ?? [])),
          [highlighted, places],
        )}
        selected={indicesOf(selectedIds)}
        isSelecting={isSelecting}
        helpId={helpId}
        onReady={(ready) => {
          controls.current = ready;
        }}
        onSelect={(indices) => {
          setSelectedIds(indices.flatMap((index) => data.fileIds[index] ?? []));
          setSelecting(false);
        }}
        onOpen={(index) => {
          const id = data.fileIds[index];
          if (id !== undefined) open(id);
        }}
      />
      <Typography id={helpId} variant="pi" textColor="neutral600">
        {text('map.help')}
      </Typography>
    </Flex>
  );
}

interface ToggleProps {
  label: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: () => void;
}

function Toggle({ label, isOn, isDisabled = false, onChange }: ToggleProps) {
  return (
    <Button
      variant={isOn ? 'secondary' : 'tertiary'}
      aria-pressed={isOn}
      disabled={isDisabled}
      onClick={onChange}
    >
      {label}
    </Button>
  );
}

/** What is selected, and the way to see it as results. */
function Selection({ ids, onClear }: { ids: readonly number[]; onClear: () => void }) {
  const text = useText();
  const navigate = useNavigate();
  const most = apiLimits.maxFilterIds;
  const count = ids.length;
  const show = (): void => {
    const query = { ...emptyQuery, filters: { among: writeAmong(ids) } };
    navigate(`${HOME}/search?${writeQuery(query).toString()}`);
  };
  return (
    <Flex gap={2} wrap="wrap" role="status">
      {count > 0 && (
        <>
          {count > most ? (
            <Typography>{text('map.tooMany', { count, most })}</Typography>
          ) : (
            <Button onClick={show}>{text('map.show', { count })}</Button>
          )}
          <Button variant="tertiary" startIcon={<Cross />} onClick={onClear}>
            {text('map.clear')}
          </Button>
        </>
      )}
      {count === 0 && <VisuallyHidden>{text('map.none')}</VisuallyHidden>}
    </Flex>
  );
}

/** One image at the side of the map, as beside search results. */
function Details({ id }: { id: number }) {
  const navigate = useNavigate();
  const { close } = useDetailsInAddress();
  const [file] = useAssets(useMemo(() => [id], [id]));
  const search = (filters: SearchFilters) => {
    navigate(`${HOME}/search?${writeQuery({ ...emptyQuery, filters }).toString()}`);
  };
  if (!file) return null;
  return (
    <DetailsPanel
      key={id}
      hit={{ file, score: null, relevance: null, matchedBy: [], highlights: {} }}
      hasPrevious={false}
      hasNext={false}
      onStep={() => undefined}
      onFindSimilar={(fileId) => {
        navigate(similarAddress(fileId));
      }}
      onFilterColor={(color) => {
        search({ color });
      }}
      onFilterTag={(tags) => {
        search({ tags });
      }}
      onClose={close}
    />
  );
}

/** Makes room for the details of an image. */
const Beside = styled.div<{ $isOpen: boolean }>`
  ${({ theme }) => theme.breakpoints.large} {
    ${({ $isOpen }) => $isOpen && `padding-right: ${DETAILS_WIDTH};`}
  }
`;
