import type { Judge } from '../../../plugin/src/matching/contract';
import { hasCloseEmbedding, hasClosePlainHash } from './baselines';
import { edits } from './edits';
import { cosine } from './similarity';
import type { Part, Subject } from './traces';

/** Parts of the photographs that have edited copies. */
export type EditedPart = Exclude<Part, 'artwork'>;

export interface EditRecall {
  edit: string;
  expected: string;
  part: EditedPart;
  images: number;
  /** Parts of the images that got the verdict which the edit deserves, and any verdict. */
  asExpected: number;
  found: number;
  /** Parts that other methods find. */
  plainHash: number;
  closeEmbedding: number;
  /** Parts whose embedding is too far off to be aligned, and that were aligned in vain. */
  tooDissimilar: number;
  notAligned: number;
  similarity: { least: number; hundredth: number; median: number };
  /** Cost of one verdict in milliseconds of processor time, in the mean. */
  milliseconds: number;
}

/** Every edited photograph against its original, for one part of the photographs. */
export function measureRecall(
  subjects: readonly Subject[],
  judge: Judge,
  { part, similarityBound }: { part: EditedPart; similarityBound: number },
): EditRecall[] {
  const originals = new Map(
    subjects.filter(({ edit }) => edit === null).map((subject) => [subject.name, subject]),
  );
  return edits.map(({ name, expected }) => {
    const pairs = subjects
      .filter((subject) => subject.edit === name && subject.part === part)
      .map((copy) => ({ copy, original: originalOf(copy, originals) }));
    const start = process.cpuUsage();
    const judged = pairs.map(({ copy, original }) => {
      const similarity = cosine(original.vector, copy.vector);
      return { similarity, verdict: judge.judge(original.trace, copy.trace, similarity) };
    });
    const { user, system } = process.cpuUsage(start);
    const share = (count: number): number => count / pairs.length;
    const missed = judged.filter(({ verdict }) => verdict === null);
    const dissimilar = missed.filter(({ similarity }) => similarity < similarityBound).length;
    return {
      edit: name,
      expected,
      part,
      images: pairs.length,
      asExpected: share(judged.filter(({ verdict }) => verdict?.kind === expected).length),
      found: share(judged.filter(({ verdict }) => verdict !== null).length),
      plainHash: share(
        pairs.filter(({ copy, original }) => hasClosePlainHash(original, copy)).length,
      ),
      closeEmbedding: share(
        pairs.filter(({ copy, original }) => hasCloseEmbedding(original, copy)).length,
      ),
      tooDissimilar: share(dissimilar),
      notAligned: share(missed.length - dissimilar),
      similarity: spread(judged.map(({ similarity }) => similarity)),
      milliseconds: (user + system) / 1000 / pairs.length,
    };
  });
}

export function originalOf(copy: Subject, originals: ReadonlyMap<string, Subject>): Subject {
  const original = originals.get(copy.original);
  if (original === undefined) throw new Error(`There is no original of ${copy.name}.`);
  return original;
}

function spread(values: readonly number[]): EditRecall['similarity'] {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
  return { least: at(0), hundredth: at(0.01), median: at(0.5) };
}
