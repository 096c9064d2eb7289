import { Box, Flex, Tooltip, Typography } from '@strapi/design-system';
import { Information } from '@strapi/icons';
import { styled } from 'styled-components';
import type { Asset } from '../../../api/asset';
import type { Pair } from '../../../api/duplicates';
import { useFormats, type Formats } from '../../../hooks/formats';
import { useText, type Text } from '../../../hooks/text';
import type { TextKey } from '../../../translations/messages';
import type { ShownPair } from './pair';

export type Alignment = NonNullable<Pair['evidence']['alignment']>;

/** Share of the area from which a region counts as the whole image. */
const WHOLE = 0.9;

/** How two files are related. */
export function describePair(pair: Pair): TextKey {
  if (pair.kind === 'identical') return 'duplicates.found.identical';
  if (pair.kind === 'same-image') return 'duplicates.found.sameImage';
  const { alignment } = pair.evidence;
  if (!alignment) return 'duplicates.found.edited';
  if (isCrop(alignment)) {
    return alignment.isMirrored ? 'duplicates.found.croppedMirrored' : 'duplicates.found.cropped';
  }
  return alignment.isMirrored ? 'duplicates.found.mirrored' : 'duplicates.found.edited';
}

/** Whether one image is a crop of the other. */
export function isCrop({ region }: Alignment): boolean {
  return region.width * region.height < WHOLE;
}

/** Why two files count as duplicates: in words, with the measured values in a tooltip. */
export function EvidenceLine({ left, right, pair }: ShownPair) {
  const text = useText();
  const formats = useFormats();
  const numbers = evidenceNumbers(pair, text, formats);
  const crop = describeCrop(pair, [left, right], text);
  return (
    <Box>
      <Flex gap={2}>
        <Typography variant="beta" tag="h2">
          {text(describePair(pair))}
        </Typography>
        {numbers.length > 0 && (
          <Tooltip label={<Numbers lines={numbers} />}>
            <Hint type="button" aria-label={`${text('duplicates.numbers')}: ${numbers.join('; ')}`}>
              <Information aria-hidden />
            </Hint>
          </Tooltip>
        )}
      </Flex>
      <Typography variant="pi" textColor="neutral600">
        {crop ?? text('duplicates.pairNames', { left: left.name, right: right.name })}
      </Typography>
    </Box>
  );
}

function Numbers({ lines }: { lines: readonly string[] }) {
  return (
    <>
      {lines.map((line) => (
        <div key={line}>{line}</div>
      ))}
    </>
  );
}

/** Which file is a crop of which; null when neither is. */
function describeCrop(
  { evidence: { alignment } }: Pair,
  files: readonly Asset[],
  text: Text,
): string | null {
  if (!alignment || !isCrop(alignment)) return null;
  const inner = files.find(({ id }) => id === alignment.innerFileId);
  const outer = files.find(({ id }) => id !== alignment.innerFileId);
  return text('duplicates.found.cropOf', { inner: inner?.name ?? '', outer: outer?.name ?? '' });
}

/** The measured values; none for identical files. */
function evidenceNumbers({ evidence }: Pair, text: Text, formats: Formats): string[] {
  const { fingerprintDistance, correlation, similarity, alignment } = evidence;
  const lines: string[] = [];
  if (fingerprintDistance !== undefined) {
    lines.push(text('duplicates.numbers.fingerprint', { bits: fingerprintDistance }));
  }
  if (correlation !== undefined) {
    lines.push(text('duplicates.numbers.correlation', { value: formats.score(correlation) }));
  }
  if (similarity !== undefined) {
    lines.push(text('duplicates.numbers.similarity', { value: formats.score(similarity) }));
  }
  if (alignment) {
    const share = Math.min(1, alignment.region.width * alignment.region.height);
    lines.push(text('duplicates.numbers.region', { share: formats.percent(share) }));
  }
  return lines;
}

const Hint = styled.button`
  display: inline-flex;
  padding: 0;
  border: 0;
  border-radius: 50%;
  background: none;
  color: ${({ theme }) => theme.colors.neutral600};
  cursor: help;
  &:focus-visible {
    outline: 2px solid ${({ theme }) => theme.colors.primary600};
    outline-offset: 2px;
  }
`;
