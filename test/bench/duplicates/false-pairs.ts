import type { DuplicateThresholds, Judge } from '../../../plugin/src/matching/contract';
import { fingerprintDistance, toWords } from '../../../plugin/src/matching/fingerprint';
import type { SeededRandom } from '../../../sample/seeded-random';
import { hasCloseEmbedding, hasClosePlainHash } from './baselines';
import { cosine } from './similarity';
import type { Subject } from './traces';

export interface FalsePair {
  one: string;
  other: string;
  kind: string;
  similarity: number;
}

export interface FalsePairs {
  /** Pairs that aren't duplicates, and how many of them passed each test. */
  pairs: number;
  closeFingerprints: number;
  similar: number;
  found: FalsePair[];
  plainHash: number;
  closeEmbedding: number;
  nearestFingerprint: number;
  /** Processor time of aligning one similar pair, in milliseconds, in the mean. */
  millisecondsPerSimilarPair: number;
}

/** Every original and piece of artwork against every image that isn't a copy of it, as the product judges them. */
export function findFalsePairs(
  subjects: readonly Subject[],
  judge: Judge,
  { sameImage, edited }: DuplicateThresholds,
): FalsePairs {
  const words = new Map(
    subjects.map((subject) => [subject, toWords(subject.trace.fingerprint?.bits ?? '')]),
  );
  const result: FalsePairs = {
    pairs: 0,
    closeFingerprints: 0,
    similar: 0,
    found: [],
    plainHash: 0,
    closeEmbedding: 0,
    nearestFingerprint: 256,
    millisecondsPerSimilarPair: 0,
  };
  let microseconds = 0;
  for (const one of subjects.filter(({ edit }) => edit === null)) {
    const ofOne = words.get(one) ?? new Int32Array();
    for (const other of subjects) {
      if (one.original === other.original || (other.edit === null && other.name <= one.name))
        continue;
      result.pairs += 1;
      const distance = fingerprintDistance(ofOne, words.get(other) ?? new Int32Array());
      const similarity = cosine(one.vector, other.vector);
      result.nearestFingerprint = Math.min(result.nearestFingerprint, distance);
      if (hasClosePlainHash(one, other)) result.plainHash += 1;
      if (hasCloseEmbedding(one, other)) result.closeEmbedding += 1;
      const isClose = distance <= sameImage.fingerprintDistance;
      const isSimilar = similarity >= edited.similarity;
      if (isClose) result.closeFingerprints += 1;
      if (isSimilar) result.similar += 1;
      if (!isClose && !isSimilar) continue;
      const start = process.cpuUsage();
      const verdict = judge.judge(one.trace, other.trace, similarity);
      const { user, system } = process.cpuUsage(start);
      microseconds += user + system;
      if (verdict === null) continue;
      result.found.push({ one: one.name, other: other.name, kind: verdict.kind, similarity });
    }
  }
  result.millisecondsPerSimilarPair = microseconds / 1000 / Math.max(1, result.similar);
  return result;
}

/** Pairs drawn at random and aligned as if their embeddings were equal: what geometry alone lets through. */
export function alignAtRandom(
  subjects: readonly Subject[],
  judge: Judge,
  { pairs, random }: { pairs: number; random: SeededRandom },
): { pairs: number; found: FalsePair[]; milliseconds: { mean: number } } {
  const found: FalsePair[] = [];
  const pick = (): Subject => {
    const subject = subjects[random.integer(0, subjects.length - 1)];
    if (subject === undefined) throw new RangeError('There are no images.');
    return subject;
  };
  const start = process.cpuUsage();
  for (let drawn = 0; drawn < pairs;) {
    const [one, other] = [pick(), pick()];
    if (one.original === other.original) continue;
    drawn += 1;
    const verdict = judge.judge(one.trace, other.trace, 1);
    if (verdict !== null) {
      const similarity = cosine(one.vector, other.vector);
      found.push({ one: one.name, other: other.name, kind: verdict.kind, similarity });
    }
  }
  const { user, system } = process.cpuUsage(start);
  return { pairs, found, milliseconds: { mean: (user + system) / 1000 / pairs } };
}
