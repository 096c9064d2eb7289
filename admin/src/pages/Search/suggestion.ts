import type { FileDuplicate } from '../../api/files';

interface Suggestion {
  text: string;
  /** Of the file that has it. */
  name: string;
  kind: FileDuplicate['pair']['kind'];
}

/** The nearest first: what is said of an edited version may not be true of all of an image. */
const kinds: readonly Suggestion['kind'][] = ['identical', 'same-image', 'edited'];

/** The alternative text of the nearest duplicate that is described; null if none is. */
export function suggestText(duplicates: readonly FileDuplicate[]): Suggestion | null {
  const described = duplicates.flatMap(({ file: { alternativeText, name }, pair }) => {
    const text = alternativeText?.trim() ?? '';
    // Some importers write the name there.
    if (text === '' || text === name) return [];
    const { correlation = 1 } = pair.evidence;
    return [{ text, name, kind: pair.kind, correlation }];
  });
  const [nearest] = described.sort(
    (one, other) =>
      kinds.indexOf(one.kind) - kinds.indexOf(other.kind) || other.correlation - one.correlation,
  );
  if (!nearest) return null;
  const { kind, name, text } = nearest;
  return { text, name, kind };
}
