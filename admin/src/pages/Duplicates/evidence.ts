import type { Asset } from '../../api/asset';
import type { Pair } from '../../api/duplicates';
import type { Formats } from '../../hooks/formats';
import type { Text } from '../../hooks/text';
import type { TextKey } from '../../translations/messages';

export type Alignment = NonNullable<Pair['evidence']['alignment']>;

/** Part of a picture from which another one on it is taken for the whole of it. */
const WHOLE = 0.9;

/** What was found between two files, in words that need no knowledge of how. */
export function describePair(pair: Pair): TextKey {
  if (pair.kind === 'identical') return 'duplicates.found.identical';
  if (pair.kind === 'same-picture') return 'duplicates.found.samePicture';
  const { alignment } = pair.evidence;
  if (!alignment) return 'duplicates.found.changed';
  if (isPart(alignment)) {
    return alignment.isMirrored ? 'duplicates.found.partMirrored' : 'duplicates.found.part';
  }
  return alignment.isMirrored ? 'duplicates.found.mirrored' : 'duplicates.found.changed';
}

/** Whether one picture shows clearly less than the other. */
export function isPart({ region }: Alignment): boolean {
  return region.width * region.height < WHOLE;
}

/** Which of the two shows a part of which; null when neither does. */
export function describePart(
  { evidence: { alignment } }: Pair,
  files: readonly Asset[],
  text: Text,
): string | null {
  if (!alignment || !isPart(alignment)) return null;
  const inner = files.find(({ id }) => id === alignment.innerFileId);
  const outer = files.find(({ id }) => id !== alignment.innerFileId);
  return text('duplicates.found.partOf', { inner: inner?.name ?? '', outer: outer?.name ?? '' });
}

/** The numbers behind the words; none where the bytes are the same. */
export function evidenceNumbers({ evidence }: Pair, text: Text, formats: Formats): string[] {
  const { fingerprintDistance, correlation, similarity, alignment } = evidence;
  const lines: string[] = [];
  if (fingerprintDistance !== undefined) {
    lines.push(text('duplicates.numbers.fingerprint', { bits: fingerprintDistance }));
  }
  if (correlation !== undefined) {
    lines.push(text('duplicates.numbers.correlation', { value: formats.number(correlation, 3) }));
  }
  if (similarity !== undefined) {
    lines.push(text('duplicates.numbers.similarity', { value: formats.number(similarity, 3) }));
  }
  if (alignment) {
    const share = Math.min(1, alignment.region.width * alignment.region.height);
    lines.push(text('duplicates.numbers.region', { share: formats.percent(share) }));
  }
  return lines;
}
