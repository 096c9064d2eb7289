import type { ErrorCode } from '../../errors';
import type { WeightFormat } from './config';

/*
 * Messages between the server and the model's process. Every request gets one answer, `opened`, `embedded` or `failed`,
 * unless it was canceled; `progress` comes unasked.
 */

export type ModelSource =
  /** A folder on this machine, as absolute path. */
  { kind: 'folder'; path: string } | HubSource;

/** A model of the hub; `cacheFolder` is an absolute path. */
export interface HubSource {
  kind: 'hub';
  name: string;
  cacheFolder: string;
  allowDownloads: boolean;
  /** Address of a mirror; null for the hub itself. */
  endpoint: string | null;
}

export interface ModelOrder {
  source: ModelSource;
  dtype: WeightFormat;
  threads: number;
  /** Where to look for ONNX Runtime first. */
  projectFolder: string;
}

/** Model families, by `model_type` in config.json. */
export type ModelFamily = 'clip' | 'siglip';

export interface TextRecipe {
  family: ModelFamily;
  /** Longer texts are truncated; in tokens, special ones included. */
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
  /** Interleaved RGB, one byte per channel, `width * height * 3` bytes each. */
  images: readonly Uint8Array[];
  recipe: ImageRecipe;
}

export type EmbeddingRequest = TextsRequest | ImagesRequest;

export interface CancelRequest {
  kind: 'cancel';
  id: number;
}

export type Request = OpenRequest | EmbeddingRequest | CancelRequest;

/** What is known of a model before any weights are loaded: JSON from its files. */
export interface ModelFiles {
  config: unknown;
  preprocessor: unknown;
  /** SHA-256 of all files of a local folder that affect the vectors; null for a model of the hub. */
  digest: string | null;
}

export interface Failure {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  /** The message of what failed. */
  cause: string;
}

export interface DownloadProgress {
  file: string;
  /** In bytes. */
  loaded: number;
  /** In bytes; 0 if the hub doesn't say. */
  total: number;
}

export type Answer =
  | { kind: 'opened'; id: number }
  | { kind: 'embedded'; id: number; vectors: Float32Array[] }
  | { kind: 'failed'; id: number; failure: Failure }
  | ({ kind: 'progress' } & DownloadProgress);
