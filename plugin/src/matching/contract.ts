import type { ImageLooks, PerceptualFingerprint } from '../images/contract';

/** What is kept of an image to compare it with others without reading its file again. */
export interface ImageTrace {
  /** SHA-256 of the stored bytes, lowercase hexadecimal. */
  contentHash: string;
  /** Null when unknown: the image can then only be `identical` to another. */
  fingerprint: PerceptualFingerprint | null;
  /** Written by `encodeThumbnail`. Null, or in an outdated format, has the same effect as a missing fingerprint. */
  thumbnail: string | null;
  /** How the image looks on black instead of white, if it has transparent areas. */
  onBlack?: ImageLooks;
  /** In pixels, after EXIF orientation. */
  width: number;
  height: number;
}

export const duplicateKinds = ['identical', 'same-image', 'edited'] as const;

/**
 * - `identical`: the same bytes.
 * - `same-image`: the whole image, re-encoded, resized, with different lighting or a different white balance.
 * - `edited`: cropped, framed, mirrored, with a logo or banner, or in colors that may be another paint.
 */
export type DuplicateKind = (typeof duplicateKinds)[number];

/** The kinds whose files show the whole of the same image. */
export const sameImageKinds = ['identical', 'same-image'] as const satisfies DuplicateKind[];

/** A verdict and its evidence; plain JSON. */
export type DuplicateVerdict =
  | { kind: 'identical' }
  | {
      kind: 'same-image';
      /** Number of the 256 bits in which the fingerprints differ. */
      fingerprintDistance: number;
      /** Correlation of the thumbnails, -1 to 1. */
      correlation: number;
      /** Largest local difference of the thumbnails, lighting evened out, in units of the image's contrast. */
      largestDifference: number;
      pixels?: PixelEvidence | undefined;
    }
  | {
      kind: 'edited';
      /** Cosine similarity of the embeddings, -1 to 1; null when they weren't compared. */
      similarity: number | null;
      fingerprintDistance: number;
      alignment: Alignment;
      pixels?: PixelEvidence | undefined;
    };

/** The version of the pixel comparison. Verdicts of another version are confirmed again. */
export const PIXEL_VERSION = 4;

/** That the pixels of both files confirm a verdict; missing from verdicts that only compare traces. */
export interface PixelEvidence {
  /** `PIXEL_VERSION` when it was confirmed. */
  version: number;
  /** Where the images differ, the same parts in the same order in each image; none for `same-image`. */
  differences: { one: Box[]; other: Box[] };
  /** Indices of those in which one image is blurred. */
  blurred?: number[] | undefined;
  /**
   * Their colors differ by more than light and compression explain, as by a white balance or saturation; missing where
   * `differences` aren't empty.
   */
  otherColors?: true | undefined;
  quality?: CopyQuality | undefined;
}

/** An image of a pair. */
export type Side = 'one' | 'other';

/** What an edit did to an image: something covers a part, a part is blurred, it got a frame, or a part was cut off. */
export const editEffects = ['covered', 'blurred', 'framed', 'cropped'] as const;

/** What the pixels say of which image is the better one to keep. Null is equal, or can't be told. */
export interface CopyQuality {
  edited: { side: Side; effect: (typeof editEffects)[number] } | null;
  /** The image without colors if the other has some. */
  gray: Side | null;
  /** The larger image if it shows no more than the smaller one. */
  upscaled: Side | null;
  /** Fine details of either image in units of the other's, at most 1; only for images of one size. */
  detail: { one: number; other: number } | null;
}

/** A rectangle by its corner and size, as fractions of the image's width and height, 0 to 1. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** How one image lies on the other. */
export interface Alignment {
  /** The image that shows less, or the same: it lies on the other one. */
  inner: 'one' | 'other';
  /** Whether the inner image is mirrored left to right. */
  isMirrored: boolean;
  /** Clockwise quarter turns of the inner image, after mirroring; 0 when missing. */
  quarterTurns?: 0 | 1 | 2 | 3 | undefined;
  /** Further clockwise tilt of the inner image about the center of its region; 0 when missing. */
  degrees?: number | undefined;
  /** The inner image's place, as fractions of the outer one's width and height. It may extend slightly beyond. */
  region: { left: number; top: number; width: number; height: number };
  /** Share of the inner image that matches in one piece, 0 to 1. */
  covered: number;
  /** Share of the details in that piece that agree, 0 to 1. */
  matching: number;
  /** Median correlation of those details, -1 to 1. */
  correlation: number;
}

/** Bounds of the verdicts; see `thresholdsFor`. */
export interface DuplicateThresholds {
  sameImage: {
    /** Maximum number of differing bits, of 256. */
    fingerprintDistance: number;
    /** Minimum quality of both fingerprints, 0 to 1. */
    quality: number;
    correlation: number;
    largestDifference: number;
    /** Maximum root mean square shift of details, in thumbnail pixels. */
    shift: number;
  };
  edited: {
    /**
     * Minimum cosine similarity of the embeddings. It only selects the pairs worth aligning. Geometry decides, so
     * this may be generous.
     */
    similarity: number;
    covered: number;
    matching: number;
    correlation: number;
    /** Maximum sum of what `matching` and `correlation` lack to 1 and the shift of details in pixels. */
    disagreement: number;
  };
}

/**
 * Compares two images by their traces alone. `judge` returns null for images that aren't duplicates.
 *
 * `similarity` is that of the embeddings; null when there are none (the model is unavailable, or an image isn't
 * indexed yet). Then `edited` is never returned, but the other two kinds are. An image with transparent areas is the
 * same image as its copy saved without transparency, on white or on black.
 *
 * Cheap tests come first; only images whose embeddings are at least `edited.similarity` alike are aligned. Images
 * that were unpacked stay in memory for a while, so comparing one image with many is cheap. A verdict never depends
 * on earlier calls.
 */
export interface Judge {
  /** Does the work that depends on this image alone before it is compared. */
  prepare(image: ImageTrace): void;
  judge(one: ImageTrace, other: ImageTrace, similarity: number | null): DuplicateVerdict | null;
  /**
   * `edited` if either image as a whole looks like a tile of the other one, as a photo and a collage with it do; see
   * tiles.ts. Needs no embeddings.
   */
  judgeTiles(one: ImageTrace, other: ImageTrace): DuplicateVerdict | null;
  /**
   * Whether two images that are not the same image should be aligned before others: their fingerprints, or one
   * fingerprint and the other's mirror image, are closer than those of unrelated images.
   */
  isPromising(one: ImageTrace, other: ImageTrace): boolean;
}
