import type { ErrorCode } from '../../errors';
import type { WeightFormat } from './config';

/*
 * What the server and the model's process say to each other. Every request is answered once, by `opened`,
 * `embedded` or `failed`, unless it was cancelled; `progress` comes unasked.
 */

export type ModelSource =
  /** A folder on this machine, as absolute path. */
  | { kind: 'folder'; path: string }
  /** A model of the hub; `cacheFolder` is an absolute path. */
  | {
      kind: 'hub';
      name: string;
      cacheFolder: string;
      allowDownloads: boolean;
      /** Address of a mirror; null for the hub itself. */
      endpoint: string | null;
    };

export interface ModelOrder {
  source: ModelSource;
  dtype: WeightFormat;
  threads: number;
  /** Where @huggingface/transformers is looked for first. */
  projectFolder: string;
}

/** Model families, by `model_type` in config.json. */
export type ModelFamily = 'clip' | 'siglip';

export interface TextRecipe {
  family: ModelFamily;
  /** Longer texts are cut off, in tokens, special ones included. */
  maxTokens: number;
}

export interface ImageRecipe {
  family: ModelFamily;
  width: number;
  height: number;
  /** A channel's value `v` (0–255) becomes `v * factor + offset`, for red, green and blue. */
  factors: readonly [number, number, number];
  offsets: readonly [number, number, number];
}

/** The first request of every process. */
export interface OpenRequest extends ModelOrder {
  kind: 'open';
  id: number;
}

export interface TextsRequest {
  kind: 'texts';
  id: number;
  texts: readonly string[];
  recipe: TextRecipe;
}

export interface ImagesRequest {
  kind: 'images';
  id: number;
  /** Interleaved RGB, one byte a channel, `width * height * 3` long each. */
  images: readonly Uint8Array[];
  recipe: ImageRecipe;
}

export type EmbeddingRequest = TextsRequest | ImagesRequest;

export interface CancelRequest {
  kind: 'cancel';
  id: number;
}

export type Request = OpenRequest | EmbeddingRequest | CancelRequest;

/** What the process finds before it loads any weights; JSON as it stands in the model's files. */
export interface ModelFiles {
  config: unknown;
  preprocessor: unknown;
  /** SHA-256 over all files of a local folder that bear on the vectors; null for a model of the hub. */
  digest: string | null;
}

export interface Failure {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  /** What the library said. */
  cause: string;
}

export interface DownloadProgress {
  /** Bytes; `total` is 0 when the hub does not say. */
  file: string;
  loaded: number;
  total: number;
}

export type Answer =
  | { kind: 'opened'; id: number; files: ModelFiles }
  | { kind: 'embedded'; id: number; vectors: Float32Array[] }
  | { kind: 'failed'; id: number; failure: Failure }
  | ({ kind: 'progress' } & DownloadProgress);
