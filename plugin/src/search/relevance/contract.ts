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
