export { hashContent } from './content-hash';
export { createPictureReader } from './picture-reader';
export { chromaSize, decodeThumbnail, encodeThumbnail, isCurrentThumbnail } from './thumbnail';

/**
 * How a model wants a picture. Everything that is not listed here is fixed for all models: EXIF orientation is
 * applied, the first frame is taken, alpha is flattened on white, colours are 8-bit sRGB.
 */
export type ImagePreparation = PixelPreparation | EncodedPreparation;

/** Pixels at the exact size that a local model sees, cut as it was trained. */
export interface PixelPreparation {
  kind: 'pixels';
  resize: ResizeRule;
  /** Centre crop after the resize, in pixels; what lies outside the picture is black, as in the reference code. */
  crop?: { width: number; height: number };
  /** Centred on this canvas after the resize, in pixels, filled with `background` (0–255). */
  pad?: { width: number; height: number; background: readonly [number, number, number] };
  kernel: ResizeKernel;
}

export type ResizeRule =
  /** The shorter side becomes `size` pixels, proportions kept. */
  | { mode: 'shortest-edge'; size: number }
  /** The picture fits into the box, proportions kept; smaller pictures grow. */
  | { mode: 'fit'; width: number; height: number }
  /** Exactly this size, proportions lost. */
  | { mode: 'exact'; width: number; height: number }
  | { mode: 'none' };

/** Resampling filters, all antialiased when shrinking, under the names that sharp gives them. */
export type ResizeKernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';

/** A small re-encoded copy for a hosted API: metadata stripped, never enlarged. */
export interface EncodedPreparation {
  kind: 'encoded';
  mimeType: 'image/jpeg' | 'image/png' | 'image/webp';
  /** The longer side is at most this many pixels. */
  maxEdge: number;
  /**
   * Each side is at least this many pixels: what is smaller gets a white margin, for some models refuse pictures that
   * are tiny, or much longer than wide. @default 1
   */
  minEdge?: number;
  /** The copy is at most this many bytes, at the cost of quality if need be. @default Infinity */
  maxBytes?: number;
}

export type PreparedImage = PixelImage | EncodedImage;

export interface PixelImage {
  kind: 'pixels';
  width: number;
  height: number;
  /** Interleaved RGB, one byte a channel, `width * height * 3` long. */
  data: Uint8Array;
}

export interface EncodedImage {
  kind: 'encoded';
  mimeType: EncodedPreparation['mimeType'];
  width: number;
  height: number;
  data: Uint8Array;
}

export interface ImageLimits {
  /** Encoded size in bytes. */
  maxBytes: number;
  /** Width × height of one frame as the header declares them. */
  maxPixels: number;
  /** Time for decoding one picture, in milliseconds. */
  timeoutMs: number;
}

/** A hash of what a picture looks like: similar pictures have a small Hamming distance. */
export interface PerceptualFingerprint {
  /** 256 bits, lower-case hexadecimal, 64 characters. */
  bits: string;
  /** 0 (flat, the bits say nothing) to 1. */
  quality: number;
}

/** A whole picture, small enough to be kept beside its fingerprint: finely in grey, roughly in colour. */
export interface Thumbnail {
  /** In pixels, 1 to 48. */
  width: number;
  height: number;
  /** One byte a pixel, 0 to 255, row by row. */
  luminance: Uint8Array;
  chroma: ChromaGrid;
}

/** Colour without light, on a grid over the whole picture: Cb and Cr of ITU-R BT.601, 128 for grey. */
export interface ChromaGrid {
  /** In cells, 1 to 12; given by the thumbnail's size, see `chromaSize`. */
  width: number;
  height: number;
  /** One byte a cell, 0 to 255, row by row. */
  blue: Uint8Array;
  red: Uint8Array;
}

/** What a picture is compared with others by. */
export interface PictureLooks {
  fingerprint: PerceptualFingerprint;
  /** As `encodeThumbnail` wrote it. */
  thumbnail: string;
}

export interface PictureReading {
  prepared: PreparedImage;
  /** As seen, EXIF orientation applied, in pixels; that of its raster for a drawing. */
  size: { width: number; height: number };
  /** Absent when it was not asked for. */
  fingerprint?: PerceptualFingerprint;
  /** What `encodeThumbnail` makes of it; comes with the fingerprint. */
  thumbnail?: string;
  /** How it looks on black instead of white; comes with the fingerprint, for a picture whose ground is seen. */
  onBlack?: PictureLooks;
}

export interface ReadPictureOptions {
  preparation: ImagePreparation;
  /** Also compute the perceptual fingerprint and the thumbnail, from the same decoding. */
  fingerprint?: boolean;
}

/**
 * Encoded bytes → what a model sees. Fails with `image-unreadable` (damaged or no picture), `image-unsupported`
 * (a format this build cannot decode) or `image-too-large` (bytes or pixels above the limits, known from the
 * header before any pixel is decoded); none of them is retryable, except that decoding took longer than allowed.
 * Never keeps or changes `bytes`.
 */
export interface PictureReader {
  read(bytes: Uint8Array, options: ReadPictureOptions): Promise<PictureReading>;
}
