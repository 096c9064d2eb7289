import { Box, Button, Divider, Flex, Modal, Tabs, Typography } from '@strapi/design-system';
import { Cross } from '@strapi/icons';
import { useNotification } from '@strapi/strapi/admin';
import { useCallback, useMemo, useState } from 'react';
import { useIntl } from 'react-intl';
import { styled } from 'styled-components';
import type { Asset } from '../api/asset';
import { fetchWholeFile, type WholeFile } from '../api/library';
import { FileImage, nameOf } from '../components/file-image';
import { useFailureText } from '../hooks/failure-text';
import { useRecentAssets } from '../hooks/library';
import { useText } from '../hooks/text';
import { FilterMenu, FilterTags } from '../pages/Search/field/filters';
import { DropZone, ImageMenu, ImageNotice } from '../pages/Search/field/query-image';
import { SearchField } from '../pages/Search/field/search-field';
import { useQueryInDialog, useSearch, type SearchState } from '../pages/Search/page-state';
import { addExample, type AllowedTypes } from '../pages/Search/query';
import { ResultSections } from '../pages/Search/results/result-sections';
import { RECENT_COUNT, SearchContents, StartState } from '../pages/Search/states';

interface PickerDialogProps {
  /** Of Strapi's dialog. */
  title: string;
  allowedTypes: AllowedTypes;
  multiple: boolean;
  /** Returns to Strapi's dialog. */
  onBack: () => void;
  /** Closes both. */
  onCancel: () => void;
  onPick: (files: readonly WholeFile[]) => void;
}

/** Picks images by what they show. It takes the place of Strapi's dialog, which stays open behind it. */
export default function PickerDialog(props: PickerDialogProps) {
  const { title, allowedTypes, multiple, onBack, onCancel, onPick } = props;
  const text = useText();
  const intl = useIntl();
  const state = useSearch(useQueryInDialog(), { allowedTypes });
  const picks = usePicks(state, multiple);
  const loading = useWholeFiles(onPick);
  return (
    <Modal.Root
      open
      onOpenChange={(isOpen) => {
        if (!isOpen) onCancel();
      }}
    >
      <Window aria-describedby={undefined}>
        <Modal.Header closeLabel={text('search.move.cancel')}>
          <Modal.Title>{title}</Modal.Title>
        </Modal.Header>
        <Fill
          variant="simple"
          value="image-search"
          onValueChange={(tab) => {
            if (tab === 'browse') onBack();
          }}
        >
          <Box paddingLeft={8} paddingRight={8} paddingTop={6}>
            <Tabs.List aria-label={title}>
              <Tabs.Trigger value="browse">
                {intl.formatMessage({ id: 'upload.modal.nav.browse', defaultMessage: 'Browse' })}
              </Tabs.Trigger>
              <Tabs.Trigger value="image-search">{text('picker.tab')}</Tabs.Trigger>
            </Tabs.List>
          </Box>
          <Divider />
          <Panel value="image-search">
            <Query state={state} />
            <Scroller>
              <SearchContents
                state={state}
                start={
                  <StartState
                    use="pick"
                    picked={picks.ids}
                    onText={(words) => {
                      state.change({ ...state.query, text: words });
                    }}
                    onAsset={picks.toggle}
                  />
                }
              >
                <Images state={state} picked={picks.ids} onToggle={picks.toggle} />
              </SearchContents>
            </Scroller>
          </Panel>
        </Fill>
        <Footer>
          <Button variant="tertiary" onClick={onCancel}>
            {intl.formatMessage({ id: 'app.components.Button.cancel', defaultMessage: 'Cancel' })}
          </Button>
          <Picked assets={picks.assets} onRemove={picks.toggle} />
          <Button
            disabled={picks.assets.length === 0}
            loading={loading.isBusy}
            onClick={() => void loading.pick(picks.assets)}
          >
            {text('picker.finish', { count: picks.assets.length })}
          </Button>
        </Footer>
      </Window>
    </Modal.Root>
  );
}

function Query({ state }: { state: SearchState }) {
  const { query, image, folders, field } = state;
  const filterProps = {
    filters: query.filters,
    folders,
    tagNames: state.tagNames,
    onChange: state.setFilters,
  };
  return (
    <Box paddingLeft={8} paddingRight={8} paddingTop={5} paddingBottom={3}>
      <Flex gap={2} alignItems="flex-start">
        <SearchField
          query={query}
          image={image}
          typed={field.typed}
          takesFocus
          onType={field.type}
          onCompose={field.compose}
          onSubmit={field.submit}
          onChange={state.change}
          endAction={
            <ImageMenu
              offersLibrary={false}
              onFile={state.searchWithFile}
              onAsset={state.searchLike}
            />
          }
        />
        <FilterMenu
          {...filterProps}
          counts={state.counts}
          years={state.years}
          onShow={state.showFilters}
        />
      </Flex>
      {image && <ImageNotice image={image} hasResults={state.results.isSuccess} />}
      <FilterTags {...filterProps} />
      <DropZone onFile={state.searchWithFile} />
    </Box>
  );
}

interface ImagesProps {
  state: SearchState;
  picked: ReadonlySet<number>;
  onToggle: (id: number) => void;
}

function Images({ state, picked, onToggle }: ImagesProps) {
  const { query, results, change } = state;
  const { fetchNextPage } = results;
  const loadMore = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  return (
    <ResultSections
      isInDialog
      opens="select"
      state={state}
      selected={picked}
      onMore={loadMore}
      onOpen={() => undefined}
      onExample={(side, id) => {
        change(addExample(query, side, id));
      }}
      onToggle={onToggle}
    />
  );
}

/** The images that were picked, in that order, also while other searches show others. */
function usePicks({ hits }: SearchState, multiple: boolean) {
  const { data: recent } = useRecentAssets(RECENT_COUNT);
  const [assets, setAssets] = useState<readonly Asset[]>([]);
  const toggle = (id: number): void => {
    if (assets.some((asset) => asset.id === id)) {
      setAssets(assets.filter((asset) => asset.id !== id));
      return;
    }
    const added = [...hits.map(({ file }) => file), ...(recent ?? [])].find(
      (asset) => asset.id === id,
    );
    if (added) setAssets(multiple ? [...assets, added] : [added]);
  };
  return { assets, ids: useMemo(() => new Set(assets.map(({ id }) => id)), [assets]), toggle };
}

/** Loads what forms and editors hold of a file before it is handed over. */
function useWholeFiles(onPick: PickerDialogProps['onPick']) {
  const failureText = useFailureText();
  const { toggleNotification } = useNotification();
  const [isBusy, setIsBusy] = useState(false);
  const pick = async (assets: readonly Asset[]): Promise<void> => {
    setIsBusy(true);
    try {
      onPick(await Promise.all(assets.map(({ id }) => fetchWholeFile(id))));
    } catch (error) {
      toggleNotification({ type: 'danger', message: failureText(error) });
      setIsBusy(false);
    }
  };
  return { pick, isBusy };
}

const CHIP_PX = 32;

function Picked({
  assets,
  onRemove,
}: {
  assets: readonly Asset[];
  onRemove: (id: number) => void;
}) {
  const text = useText();
  return (
    <PickedList tag="ul" gap={1} aria-label={text('picker.picked')}>
      {assets.map((asset) => (
        <li key={asset.id}>
          <Chip
            type="button"
            title={nameOf(asset)}
            aria-label={text('picker.remove', { name: nameOf(asset) })}
            onClick={() => {
              onRemove(asset.id);
            }}
          >
            <FileImage asset={asset} width={CHIP_PX} alternativeText="" />
            <Cross aria-hidden />
          </Chip>
        </li>
      ))}
      {assets.length === 0 && (
        <Typography tag="li" variant="pi" textColor="neutral600">
          {text('picker.none')}
        </Typography>
      )}
    </PickedList>
  );
}

/** As wide and high as Strapi's dialog behind it. */
const Window = styled(Modal.Content)`
  && {
    height: 90vh;
    animation-name: none;
  }
`;

const Fill = styled<typeof Tabs.Root>(Tabs.Root)`
  flex: 1;
  display: flex;
  flex-direction: column;
  min-height: 0;
`;

const Panel = styled<typeof Tabs.Content>(Tabs.Content)`
  flex: 1;
  display: flex;
  flex-direction: column;
  min-height: 0;
`;

const Footer = styled(Modal.Footer)`
  flex: none;
`;

const Scroller = styled(Box)`
  flex: 1;
  overflow-y: auto;
  padding: ${({ theme }) => `${theme.spaces[2]} ${theme.spaces[8]} ${theme.spaces[6]}`};
`;

const PickedList = styled(Flex)`
  flex: 1;
  min-width: 0;
  overflow-x: auto;
  padding-inline: ${({ theme }) => theme.spaces[4]};
`;

const Chip = styled.button`
  position: relative;
  width: ${String(CHIP_PX)}px;
  height: ${String(CHIP_PX)}px;
  padding: 0;
  overflow: hidden;
  cursor: pointer;
  border-radius: ${({ theme }) => theme.borderRadius};
  svg {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    padding: ${({ theme }) => theme.spaces[2]};
    color: ${({ theme }) => theme.colors.neutral800};
    background: color-mix(in srgb, ${({ theme }) => theme.colors.neutral0} 75%, transparent);
    opacity: 0;
  }
  &:is(:hover, :focus-visible) svg {
    opacity: 1;
  }
`;
