import { Box, Flex, LinkButton, Typography } from '@strapi/design-system';
import { EmptyPictures } from '@strapi/icons/symbols';
import { Link } from 'react-router-dom';
import { styled } from 'styled-components';
import type { Asset } from '../../api/asset';
import { Picture, nameOf } from '../../components/picture';
import { StateMessage } from '../../components/state-message';
import { useRecentAssets } from '../../hooks/library';
import { useText } from '../../hooks/text';

const RECENT = 18;
const HEIGHT = 128;
const EXAMPLES = [
  'search.start.example.1',
  'search.start.example.2',
  'search.start.example.3',
  'search.start.example.4',
  'search.start.example.5',
] as const;

interface StartStateProps {
  onWords: (words: string) => void;
  onAsset: (id: number) => void;
}

/** Before anything is looked for: words to try, and pictures to start from. */
export function StartState({ onWords, onAsset }: StartStateProps) {
  const text = useText();
  const { data: recent, isPending } = useRecentAssets(RECENT);
  if (recent?.length === 0) return <EmptyLibrary />;
  const examples = EXAMPLES.map((key) => text(key));
  return (
    <Flex direction="column" alignItems="stretch" gap={8} paddingTop={5}>
      <Flex gap={2} wrap="wrap">
        <Typography textColor="neutral600" paddingRight={1}>
          {text('search.start.try')}
        </Typography>
        {examples.map((words) => (
          <Suggestion
            key={words}
            type="button"
            onClick={() => {
              onWords(words);
            }}
          >
            {words}
          </Suggestion>
        ))}
      </Flex>
      <Box minHeight="40rem" aria-busy={isPending}>
        {recent && <Recent assets={recent} onAsset={onAsset} />}
      </Box>
    </Flex>
  );
}

function Recent({
  assets,
  onAsset,
}: { assets: readonly Asset[] } & Pick<StartStateProps, 'onAsset'>) {
  const text = useText();
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      <Flex alignItems="baseline" gap={3} wrap="wrap">
        <Typography tag="h2" variant="delta">
          {text('search.start.recent')}
        </Typography>
        <Typography textColor="neutral600">{text('search.start.recentHint')}</Typography>
      </Flex>
      <Tiles tag="ul" wrap="wrap" gap={2}>
        {assets.map((asset) => (
          <Tile key={asset.id} style={{ flexBasis: widthOf(asset), flexGrow: widthOf(asset) }}>
            <TileButton
              type="button"
              aria-label={text('search.start.findSimilar', { name: nameOf(asset) })}
              onClick={() => {
                onAsset(asset.id);
              }}
            >
              <Picture asset={asset} width={widthOf(asset)} alternativeText="" />
            </TileButton>
          </Tile>
        ))}
      </Tiles>
    </Flex>
  );
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

/** Of a tile in pixels, in the picture's own proportions within bounds. */
function widthOf({ width, height }: Asset): number {
  const ratio = width && height ? width / height : 1;
  return Math.round(HEIGHT * Math.min(Math.max(ratio, 0.6), 2));
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
  /* The last row is not stretched. */
  &::after {
    content: '';
    flex-grow: 100000;
  }
`;

const Tile = styled.li`
  height: ${String(HEIGHT)}px;
  max-width: 28rem;
`;

const TileButton = styled.button`
  width: 100%;
  height: 100%;
  padding: 0;
  overflow: hidden;
  cursor: pointer;
  border-radius: ${({ theme }) => theme.borderRadius};
  background: ${({ theme }) => theme.colors.neutral150};
  &:hover {
    box-shadow: 0 0 0 2px ${({ theme }) => theme.colors.primary600};
  }
`;
