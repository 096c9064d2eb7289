import type { NullTexts } from './null-texts';

/**
 * What "close" means in one space and library, learned from the library itself.
 *
 * A text is compared with texts that nothing answers: `texts` has the best that each of them reached. An image is
 * compared with the library's own images: `images` has what each of them scored with the nearest other one that isn't
 * its duplicate.
 */
export interface Calibration {
  /** Of the null texts; see `NULL_TEXTS_VERSION`. */
  version: number;
  /** Files in the collection when this was measured. */
  files: number;
  /** Signals, as `textSignal` has them, ascending; at least one. */
  texts: readonly number[];
  /** The signals that one in 100, in 1,000 and in 5,000 pairs of a null text and any image of the library exceed. */
  pairs: readonly [number, number, number];
  /** Cosine similarities, ascending; empty if the library has too few images to tell. */
  images: readonly number[];
  /** Mean vector of the null texts: what an image scores for it, it scores for any text. */
  neutral: Float32Array;
  /** Unit-length mean of the texts without a meaning. */
  nonsense: Float32Array;
  /** Unit-length mean of the images that were sampled. */
  center: Float32Array;
}

export interface EmbeddedNullTexts extends NullTexts<Float32Array> {
  /** See `NULL_TEXTS_VERSION`. */
  version: number;
}

/**
 * Calibrations by space, for all processes that share a database.
 *
 * - Null texts are saved once for each space, because a hosted model is paid for them; `saveTexts` replaces them and
 *   removes what was measured with others.
 * - `save` replaces a calibration, and does nothing for a space without texts.
 * - What can't be read, such as a row that was damaged, counts as missing.
 * - `forget` ignores an unknown space.
 *
 * @throws whatever the database throws
 */
export interface Calibrations {
  /** Null before the first one was saved. */
  read(spaceId: string): Promise<Calibration | null>;
  /** What `read` has, without its vectors; they may turn out to be damaged. */
  readSummary(spaceId: string): Promise<Pick<Calibration, 'version' | 'files'> | null>;
  readTexts(spaceId: string): Promise<EmbeddedNullTexts | null>;
  saveTexts(spaceId: string, texts: EmbeddedNullTexts): Promise<void>;
  save(spaceId: string, calibration: Calibration): Promise<void>;
  forget(spaceId: string): Promise<void>;
}

/** Where searches read calibrations. Never rejects: relevance is unknown then. */
export interface CalibrationSource {
  /** Null while the space isn't calibrated. */
  calibrationOf(spaceId: string): Promise<Calibration | null>;
}

/** What an operator wants images to be tagged with. */
export interface TagLabel {
  name: string;
  /** What it is embedded as. */
  text: string;
}

/** A label that an image answers. */
export interface ImageTag {
  name: string;
  /** 0 to 1, as for a search with the label's text. */
  relevance: number;
}

export interface TaggedImage {
  fileId: number;
  /** Of the bytes that the tags are of. */
  contentHash: string;
  tags: readonly ImageTag[];
}

/**
 * The tags of images, for all processes that share a database.
 *
 * - `listUntagged` returns those of some files that a space has indexed whose tags are missing or were given with another
 *   `tagging`, or for other bytes: of these files, or of the next thousand after a file id. `next` is where to go on, null at
 *   the end.
 * - `replace` skips files that were removed, or indexed with other bytes, in the meantime.
 *
 * @throws whatever the database throws
 */
export interface ImageTags {
  listUntagged(options: {
    spaceId: string;
    /** Which labels, model and calibration tags are given with, at most 64 characters. */
    tagging: string;
    among: { fileIds: readonly number[] } | { after: number };
  }): Promise<{ files: Omit<TaggedImage, 'tags'>[]; next: number | null }>;
  replace(
    images: readonly TaggedImage[],
    options: { spaceId: string; tagging: string },
  ): Promise<void>;
}
