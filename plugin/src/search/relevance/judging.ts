import { ImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type { TextHit } from '../../text/contract';
import type { VectorHit } from '../../vectors/contract';
import type { Relevance, SearchRequest } from '../contract';
import type { SearchedSpace } from '../current-vectors';
import type { CalibrationSource } from './contract';
import { NEAREST } from './measurement';
import {
  kindOfVector,
  LIKELY,
  relevanceOf,
  scaleOf,
  scoreFrom,
  STRONG,
  withLikelyFrom,
  type JudgedExample,
  type RelevanceScale,
} from './scale';

/** From this share of the query on, a file's words are what was asked for, whatever its image shows. */
const STRONG_WORDS = 0.6;
/** The nearest images among which `autocut` looks for the place where scores fall. */
const CUT_DEPTH = 100;
/** A fall counts if it is this many times the mean one. */
const STEEP = 3;

/** How one query's hits are judged. */
export interface Judging {
  /** How many of the nearest images `scaleOf` and `cutOf` need. */
  readonly depth: number;
  /** Files whose words are less relevant are left out, unless their images are. */
  readonly minimumRelevance: number;
  readonly isCut: boolean;
  /** Null while nothing is known about the space, or about this kind of query. */
  scaleOf(nearest: readonly VectorHit[]): Promise<RelevanceScale | null>;
}

/** Judges nothing, and leaves nothing out. */
export const noJudging: Judging = {
  depth: 1,
  minimumRelevance: 0,
  isCut: false,
  scaleOf: () => Promise.resolve(null),
};

/** @param like vectors of `request.like`, in order */
export function createJudging(
  request: Pick<SearchRequest, 'like' | 'minimumRelevance' | 'autocut'>,
  options: {
    space: SearchedSpace;
    like: readonly Float32Array[];
    calibrations: CalibrationSource;
    /** `search.closeScore` for this query, from which images are likely; null without one. */
    closeScore: number | null;
    logger: Logger;
  },
): Judging {
  const { calibrations, closeScore, like, logger, space } = options;
  const { autocut = false, minimumRelevance = 0 } = request;
  return {
    depth: autocut ? CUT_DEPTH : NEAREST,
    minimumRelevance,
    isCut: autocut,
    async scaleOf(nearest) {
      const calibration = await calibrations.calibrationOf(space.provider.space.id);
      if (calibration === null || nearest.length === 0) return null;
      const judged = nearest.slice(0, NEAREST);
      const points = await space.collection
        .getMany(judged.map(({ fileId }) => fileId))
        .catch((error: unknown) => {
          if (!(error instanceof ImageSearchError)) throw error;
          logger.debug(`Relevance is unknown. ${error.message}`);
          return [];
        });
      const vectors = new Map(points.map(({ fileId, vector }) => [fileId, vector]));
      const images = judged.flatMap(({ fileId, score }) => {
        const vector = vectors.get(fileId);
        return vector ? [{ score, vector }] : [];
      });
      const examples = request.like.flatMap(({ kind }, index): JudgedExample[] => {
        const vector = like[index];
        if (!vector) return [];
        if (kind === 'text') return [{ vector, kind }];
        const isText = kind === 'vector' && kindOfVector(vector, calibration) === 'text';
        return [{ vector, kind: isText ? 'text' : 'image' }];
      });
      const scale = scaleOf(examples, images, calibration);
      return scale && closeScore !== null ? withLikelyFrom(scale, closeScore) : scale;
    },
  };
}

/** The similarity below which images are left out; -1 if none are. */
export function cutOf(
  { isCut, minimumRelevance }: Judging,
  scale: RelevanceScale | null,
  nearest: readonly VectorHit[],
): number {
  const least = scale ? scoreFrom(scale, minimumRelevance) : -1;
  return isCut ? Math.max(least, steepestFall(nearest)) : least;
}

/** The score above the steepest fall; -1 if none is steep. */
function steepestFall(nearest: readonly VectorHit[]): number {
  const scores = nearest.map(({ score }) => score);
  const falls = scores.slice(1).map((score, index) => (scores[index] ?? score) - score);
  const mean = falls.reduce((sum, fall) => sum + fall, 0) / Math.max(1, falls.length);
  const steepest = Math.max(0, ...falls);
  const last = falls.indexOf(steepest);
  return steepest > STEEP * mean ? (scores[last] ?? -1) : -1;
}

/** What a file's words alone make it worth: all words of the query are a strong match, most of them a likely one. */
export function wordRelevance({ nameMatch, score }: TextHit, hasPhrases: boolean): number {
  if (nameMatch === 'exact') return 1;
  const byWords =
    score < STRONG_WORDS
      ? (score / STRONG_WORDS) * LIKELY
      : LIKELY + (score - STRONG_WORDS) * ((0.9 - LIKELY) / (1 - STRONG_WORDS));
  return nameMatch === 'close' || hasPhrases ? Math.max(byWords, STRONG) : byWords;
}

/**
 * @param image by similarity; null if unknown. Words can only raise it, so without it, weak words tell nothing.
 * @param words null if none matched
 */
export function combinedRelevance(image: number | null, words: number | null): number | null {
  if (image !== null) return Math.max(image, words ?? 0);
  return words !== null && words >= LIKELY ? words : null;
}

export function imageRelevance(scale: RelevanceScale | null, score: number | null): number | null {
  if (scale === null) return null;
  return score === null ? 0 : relevanceOf(scale, score);
}

export function toRelevance(value: number | null): Relevance | null {
  if (value === null) return null;
  const band = value >= STRONG ? 'strong' : value >= LIKELY ? 'likely' : 'weak';
  return { band, value: Math.round(value * 1_000) / 1_000 };
}
