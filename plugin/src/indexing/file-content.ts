import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import {
  typesOfKind,
  type FileContent,
  type ImageReader,
  type ImageReading,
  type ReadImageOptions,
  type VideoReader,
} from '../images/contract';
import { hashContent } from '../images/trace';
import type { AssetDescription, AssetSource } from './contract';

export interface ReadLimits {
  maxBytes: number;
  /** Of a video in the uploads folder. */
  maxVideoBytes: number;
}

/**
 * Reads a file for the time of `use`: images and documents into memory, videos where they are.
 *
 * @throws ImageSearchError as `AssetSource.read`, and whatever `use` throws
 */
export async function withContent<Result>(
  assets: Pick<AssetSource, 'read' | 'withFile'>,
  { fileId, mimeType }: Pick<AssetDescription, 'fileId' | 'mimeType'>,
  { maxBytes, maxVideoBytes, signal }: ReadLimits & { signal?: AbortSignal | undefined },
  use: (content: FileContent) => Promise<Result>,
): Promise<Result> {
  const isVideo = mimeType.startsWith(typesOfKind.video.startsWith ?? '');
  if (!isVideo) return use(await assets.read(fileId, { maxBytes, signal }));
  const limits = { maxBytes: maxVideoBytes, maxCopiedBytes: maxBytes, signal };
  return assets.withFile(fileId, limits, (videoFile) => use({ videoFile }));
}

/** SHA-256 of a file's bytes, lowercase hexadecimal; a large file is read piece by piece. */
export async function hashOf(content: FileContent, signal?: AbortSignal): Promise<string> {
  if (!('videoFile' in content)) return hashContent(content);
  const hash = createHash('sha256');
  await pipeline(createReadStream(content.videoFile), hash, { ...(signal && { signal }) });
  return hash.digest('hex');
}

/** @throws RangeError for a video without a reader for it, and as the readers do */
export function readContent(
  { images, videos }: { images: ImageReader; videos: VideoReader | undefined },
  content: FileContent,
  options: ReadImageOptions,
): Promise<ImageReading> {
  if (!('videoFile' in content)) return images.read(content, options);
  if (!videos) throw new RangeError('There is no reader for videos.');
  return videos.readVideo(content.videoFile, options);
}
