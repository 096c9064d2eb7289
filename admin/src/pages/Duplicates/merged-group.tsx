import { Flex, Typography } from '@strapi/design-system';
import type { Group } from '../../api/duplicates';
import { useText } from '../../hooks/text';
import { DecidedLine } from './decided-line';
import { describePicture, Frame, Picture, shapeOf, sharpUrl } from './picture';

/** What was merged: the file that stayed, who decided and when. */
export function MergedGroup({ group: { files, pairs } }: { group: Group }) {
  const text = useText();
  const [kept] = files;
  return (
    <Flex direction="column" alignItems="stretch" gap={4}>
      {kept ? (
        <Frame $shape={shapeOf(kept)}>
          <Picture src={sharpUrl(kept)} alt={describePicture(kept)} />
        </Frame>
      ) : (
        <Typography textColor="neutral600">{text('duplicates.merged.gone')}</Typography>
      )}
      {kept && (
        <Typography tag="h2" variant="beta">
          {text('duplicates.merged.into', { name: kept.name, count: pairs.length })}
        </Typography>
      )}
      {pairs.map((pair) => (
        <DecidedLine key={pair.id} pair={pair} />
      ))}
    </Flex>
  );
}
