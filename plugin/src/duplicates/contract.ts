import type { PerceptualFingerprint } from '../images/contract';

export { groupPairs } from './grouping';
export { createJudge } from './judge';
export { thresholdsFor } from './thresholds';

/** What is kept of a picture so that it can be compared with others and its file need not be read again. */
export interface PictureTrace {
  /** SHA-256 of the stored bytes, lower-case hexadecimal. */
  contentHash: string;
  /** Null when it is not known: such a picture can only be `identical` to another. */
  fingerprint: PerceptualFingerprint | null;
  /** As `encodeThumbnail` wrote it; null (or of another form) when it is not known, with the same consequence. */
  thumbnail: string | null;
  /** In pixels, as seen, EXIF orientation applied. */
  width: number;
  height: number;
}

export const duplicateKinds = ['identical', 'same-picture', 'variant'] as const;

/**
 * - `identical`: the same bytes.
 * - `same-picture`: the whole picture again, encoded, resized or lit otherwise.
 * - `variant`: cropped, framed, flipped, or with a logo or banner on it.
 */
export type DuplicateKind = (typeof duplicateKinds)[number];

/** A verdict and what it rests on; plain JSON. */
export type DuplicateVerdict =
  | { kind: 'identical' }
  | {
      kind: 'same-picture';
      /** Bits of 256 in which the fingerprints differ. */
      fingerprintDistance: number;
      /** Correlation of the two thumbnails, -1 to 1. */
      correlation: number;
      /** Largest difference of a small part of the thumbnails, light evened out, in units of the picture's contrast. */
      largestDifference: number;
    }
  | {
      kind: 'variant';
      /** Cosine similarity of the embeddings, -1 to 1. */
      similarity: number;
      fingerprintDistance: number;
      alignment: Alignment;
    };

/** How one picture lies on the other. */
export interface Alignment {
  /** Which of the two shows less, or the same: it lies on the other one. */
  inner: 'one' | 'other';
  /** Whether left and right are exchanged. */
  isMirrored: boolean;
  /** Where the inner picture lies, as parts of the outer one's width and height; it may jut out a little. */
  region: { left: number; top: number; width: number; height: number };
  /** Part of the inner picture that was found again in one piece, 0 to 1. */
  covered: number;
  /** Part of the details there that agree, 0 to 1. */
  matching: number;
  /** Median correlation of these details, -1 to 1. */
  correlation: number;
}

/** Bounds of the verdicts; see `thresholdsFor`. */
export interface DuplicateThresholds {
  samePicture: {
    /** Most bits of 256 in which the fingerprints differ. */
    fingerprintDistance: number;
    /** Least quality of both fingerprints, 0 to 1. */
    quality: number;
    correlation: number;
    largestDifference: number;
  };
  variant: {
    /**
     * Least cosine similarity of the embeddings. It only picks the pairs that are worth aligning: geometry decides,
     * so that it may be generous.
     */
    similarity: number;
    covered: number;
    matching: number;
    correlation: number;
  };
}

/**
 * Compares two pictures by their traces alone. Answers null for pictures that are no duplicates.
 *
 * Cheap tests come first; only pictures that are as close as `variant.similarity` are aligned. `similarity` is null
 * when there are no embeddings (the model is down, one picture is not indexed yet): then `variant` is never answered,
 * the other two kinds are. What is worked out for a picture is kept for a while, so that comparing one with many is
 * cheap. The answer does not depend on what was asked before.
 */
export interface Judge {
  judge(one: PictureTrace, other: PictureTrace, similarity: number | null): DuplicateVerdict | null;
}

/** Two files that a verdict joins. */
export interface JudgedPair {
  fileA: number;
  fileB: number;
  kind: DuplicateKind;
}

/** Files of which every one was judged a duplicate of the first; see `groupPairs`. */
export interface DuplicateGroup {
  representative: number;
  /** Ascending, the representative left out; never empty. */
  members: number[];
}
