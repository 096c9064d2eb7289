/**
 * How a model wants an image. The rest is the same for all models: EXIF orientation applied, the first frame that isn't
 * flat, alpha flattened on the ground that shows the image, 8-bit sRGB.
 */
export type ImagePreparation = PixelPreparation | EncodedPreparation;

/** Pixels at the exact size of a local model's input, cropped as in its training. */
export interface PixelPreparation {
  kind: 'pixels';
  resize: ResizeRule;
  /** Center crop after the resize, in pixels. Areas outside the image are black, as in the reference code. */
  crop?: { width: number; height: number };
  /** Canvas on which the resized image is centered, in pixels, filled with `background` (0–255). */
  pad?: { width: number; height: number; background: readonly [number, number, number] };
  kernel: ResizeKernel;
  /**
   * What transparent areas are flattened on.
   *
   * @default 'white', unless the image nearly vanishes on it and is better seen on black
   */
  ground?: 'white' | 'black';
}

export type ResizeRule =
  /** The shorter side becomes `size` pixels, proportions kept. */
  | { mode: 'shortest-edge'; size: number }
  /** The image fits into the box, proportions kept; smaller images grow. */
  | { mode: 'fit'; width: number; height: number }
  /** Exactly this size, proportions lost. */
  | { mode: 'exact'; width: number; height: number }
  | { mode: 'none' };

/** Resampling filters by their names in sharp; all antialias when shrinking. */
export type ResizeKernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';

/** A small re-encoded copy for a hosted API, without metadata and never enlarged. */
export interface EncodedPreparation {
  kind: 'encoded';
  mimeType: 'image/jpeg' | 'image/png' | 'image/webp';
  /** Maximum length of the longer side, in pixels. */
  maxEdge: number;
  /**
   * Minimum length of each side, in pixels. Smaller images get a white margin, because some models reject tiny or
   * very elongated images.
   *
   * @default 1
   */
  minEdge?: number;
  /**
   * Maximum size of the copy in bytes, reached by lowering its quality if necessary.
   *
   * @default Infinity
   */
  maxBytes?: number;
}

export type PreparedImage = PixelImage | EncodedImage;

export interface PixelImage {
  kind: 'pixels';
  width: number;
  height: number;
  /** Interleaved RGB, one byte per channel, `width * height * 3` long. */
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
  /** Encoded size, in bytes. */
  maxBytes: number;
  /** Width × height of one frame, as declared in the header. */
  maxPixels: number;
  /** Time to decode one image, in milliseconds. */
  timeoutMs: number;
}

/** A hash of an image's appearance: similar images have a small Hamming distance. */
export interface PerceptualFingerprint {
  /** 256 bits, lowercase hexadecimal, 64 characters. */
  bits: string;
  /** 0 (flat: the bits mean nothing) to 1. */
  quality: number;
}

/** A whole image in miniature, stored beside its fingerprint: fine in gray, coarse in color. */
export interface Thumbnail {
  /** In pixels, 1 to 48. */
  width: number;
  height: number;
  /** One byte per pixel, 0 to 255, row by row. */
  luminance: Uint8Array;
  chroma: ChromaGrid;
}

/** Color without brightness on a grid over the whole image: Cb and Cr of ITU-R BT.601, 128 for gray. */
export interface ChromaGrid {
  /** In cells, 1 to 12, derived from the thumbnail's size; see `chromaSize`. */
  width: number;
  height: number;
  /** One byte per cell, 0 to 255, row by row. */
  blue: Uint8Array;
  red: Uint8Array;
}

/** What images are compared by. */
export interface ImageLooks {
  fingerprint: PerceptualFingerprint;
  /** Written by `encodeThumbnail`. */
  thumbnail: string;
}

/** What is derived from an image's looks, to be found by. */
export interface DerivedTraits {
  /** The dominant colors, the largest share first. */
  colors: ImageColor[];
  /** Fingerprints, 64 hexadecimal digits each. */
  fingerprints: {
    /** Of the whole image; null if it is flat or unknown. */
    whole: string | null;
    tiles: readonly string[];
  };
}

/** An image decoded as a whole: interleaved RGB, one byte per channel, on white, and on black if parts are transparent. */
export interface TracedRaster {
  width: number;
  height: number;
  white: Uint8Array;
  black: Uint8Array | null;
  /** Of the image itself, in pixels. */
  size: { width: number; height: number };
}

/** Computes looks from pixels, here or in a thread. */
export type ImageTracer = (raster: TracedRaster) => Promise<
  ImageLooks & {
    onBlack?: ImageLooks;
    derived?: DerivedTraits;
  }
>;

export interface ImageReading {
  prepared: PreparedImage;
  /** Only if requested. */
  views?: FurtherView[];
  /** Only if requested, and only of files that browsers don't show as images. */
  previews?: FilePreview[];
  /** Only if requested: what a document says; empty if it has no text. Missing for images. */
  text?: string;
  /** Whether pages, frames or text are missing, because reading them took too long. @default false */
  isPartial?: boolean;
  /** In pixels, after EXIF orientation; the size of its raster for an SVG drawing. */
  size: { width: number; height: number };
  /** Only if requested. */
  fingerprint?: PerceptualFingerprint;
  /** Written by `encodeThumbnail`; comes with the fingerprint. */
  thumbnail?: string;
  /**
   * How the image looks on black instead of white; comes with the fingerprint if the image has transparent areas.
   */
  onBlack?: ImageLooks;
  /** Comes with the fingerprint, from a thread. */
  derived?: DerivedTraits;
}

/** Long side by short side from which an image has parts. */
export const LONG_RATIO = 1.4;

/** How many views an image may have beside that of the whole. */
export interface ViewLimits {
  /** Square parts of a long image; below 2: none. */
  parts: number;
  /** Further frames of a long animation. */
  frames: number;
  /** Pages of a document, the one that shows the whole among them. */
  pages: number;
  /** Frames of a video, the one that shows the whole among them. */
  videoFrames: number;
}

/** A part of a long image, a frame of an animation or a video, or a page of a document. */
export interface FurtherView {
  kind: 'part' | 'frame' | 'page';
  /** From 1: the position among the parts, left to right or top to bottom, or among the frames or pages; of a video, the second. */
  number: number;
  prepared: PreparedImage;
}

/** One of the images that a file has, such as a page of a document. */
export interface ImageOfFile {
  /** From 1. */
  number: number;
  /** As a file that sharp decodes. */
  encoded: Uint8Array;
}

/** What to show of a file that browsers don't show as an image. */
export interface FilePreview {
  /** Missing for what shows the whole file. */
  view?: Pick<FurtherView, 'kind' | 'number'>;
  /** A small WebP file. */
  webp: Uint8Array;
}

/** Keeps previews by the signature of a file's bytes. What is gone can be made again. */
export interface PreviewStore {
  get(signature: string, view: FilePreview['view']): Promise<Uint8Array | null>;
  /** Never rejects. */
  put(signature: string, previews: readonly FilePreview[]): Promise<void>;
  /** Never rejects. */
  remove(signature: string): Promise<void>;
}

/** A part of an image as displayed (after EXIF orientation), as shares of its width and height, 0 to 1. */
export interface ImageRegion {
  /** From the left. */
  x: number;
  /** From the top. */
  y: number;
  width: number;
  height: number;
}

export interface ReadImageOptions {
  preparation: ImagePreparation;
  /** Prepare this part alone. For a model that crops images, it grows to a square where the image allows. @default all */
  region?: ImageRegion | undefined;
  /** Also prepare further views, except those that show nothing. @default none */
  views?: ViewLimits;
  /** Also make previews of a file that browsers don't show as an image. @default false */
  previews?: boolean;
  /** Also compute the fingerprint and the thumbnail from the same decoding. */
  fingerprint?: boolean;
  /** Also read the text of documents. @default false */
  text?: boolean;
  /** Ends the process that reads a document, a video or a HEIC image. */
  signal?: AbortSignal | undefined;
}

/**
 * Decodes an image, or what shows a document, and prepares it for a model. Never keeps or changes `bytes`.
 *
 * @throws ImageSearchError `image-unreadable` (damaged, or not an image), `image-unsupported` (a format this build
 * can't decode), `image-decoder-missing` (one that an optional package decodes), `image-too-large` (too many bytes or pixels,
 * known before any pixel is decoded) or `aborted`. None of the first four is retryable, except that decoding timed out.
 * @example
 * const { prepared } = await reader.read(bytes, { preparation: provider.imagePreparation });
 */
export interface ImageReader {
  read(bytes: Uint8Array, options: ReadImageOptions): Promise<ImageReading>;
}

/** The same for videos, which are too large for memory: files on this machine. */
export interface VideoReader {
  readVideo(file: string, options: ReadImageOptions): Promise<ImageReading>;
}

/** An image's or a document's bytes; or a video, which is too large for memory, as a file on this machine. */
export type FileContent = Uint8Array | { videoFile: string };

/** The basic color terms (Berlin and Kay, 1969), which most languages have. */
export const colorNames = [
  'red',
  'orange',
  'yellow',
  'green',
  'blue',
  'purple',
  'pink',
  'brown',
  'black',
  'gray',
  'white',
] as const;

export type ColorName = (typeof colorNames)[number];

/** The color that each name makes people think of. */
export const basicColors: Record<ColorName, string> = {
  red: '#d92626',
  orange: '#f58220',
  yellow: '#f7d417',
  green: '#2e9e4f',
  blue: '#2563d9',
  purple: '#8e3fc0',
  pink: '#f06fa7',
  brown: '#8b5a2b',
  black: '#000000',
  gray: '#8c8c8c',
  white: '#ffffff',
};

/** A dominant color of an image, in OKLab. All in thousandths. */
export interface ImageColor {
  /** 0 (black) to 1,000 (white). */
  lightness: number;
  /** From green, negative, to red; beyond ±400 no screen shows it. */
  greenRed: number;
  /** From blue, negative, to yellow. */
  blueYellow: number;
  /** Of the image without its background, 1 to 1,000. */
  share: number;
  name: ColorName;
}

/** What files of the library are, by their MIME types. */
export const fileKinds = ['image', 'document', 'video'] as const;

export type FileKind = (typeof fileKinds)[number];

/** MIME types of a kind: each of `exactly`, and all that start with `startsWith`. */
export const typesOfKind: Record<FileKind, { startsWith?: string; exactly?: string }> = {
  image: { startsWith: 'image/' },
  document: { exactly: 'application/pdf' },
  video: { startsWith: 'video/' },
};
