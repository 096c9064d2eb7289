import type { ImageReader, ImageTracer, VideoReader } from '../images/contract';
import { createImageReader } from '../images/image-reader';
import { viewLimitsOf, type ImageSearchConfig } from '../config';
import { fileKinds, kindOf, type FileKind } from '../contracts/file-kinds';
import { splitFallback } from '../embedding/registry';
import type { ImageSearchError } from '../errors';
import { findHeicDecoder } from '../images/heic';
import { pdfReaderProblem } from '../images/pdf';
import { findFfmpeg, missingFfmpeg } from '../images/video';

/**
 * The kinds of files that the configuration says are indexed. Whether their readers are installed doesn't matter:
 * processes that share an index may differ in that, and must not delete each other's files.
 */
export function kindsIndexed(config: ImageSearchConfig): FileKind[] {
  const { embedding, fallback } = splitFallback(config.embedding);
  const models = fallback ? [embedding, fallback] : [embedding];
  const limits = models.map(({ provider }) => viewLimitsOf(config, provider));
  const isIndexed: Record<FileKind, boolean> = {
    image: true,
    document: limits.every(({ pages }) => pages > 0),
    video: limits.every(({ videoFrames }) => videoFrames > 0),
  };
  return fileKinds.filter((kind) => isIndexed[kind]);
}

/** Null unless files of this type would be indexed if their reader were installed. HEIC is known by its bytes only. */
export function missingReaderFor(
  mimeType: string,
  config: ImageSearchConfig,
  projectFolder: string,
): ImageSearchError | null {
  const kind = kindOf(mimeType);
  if (kind === null || !kindsIndexed(config).includes(kind)) return null;
  switch (kind) {
    case 'document':
      return pdfReaderProblem(projectFolder);
    case 'video':
      return findFfmpeg(config.indexing.ffmpeg) === null ? missingFfmpeg() : null;
    case 'image':
      return null;
  }
}

/** Whether the optional reader for files of this type is installed. */
export function hasReaderFor(
  mimeType: string,
  config: ImageSearchConfig,
  projectFolder: string,
): boolean {
  if (kindOf(mimeType) === 'image') return findHeicDecoder(projectFolder) !== null;
  return missingReaderFor(mimeType, config, projectFolder) === null;
}

const SECOND_MS = 1_000;

interface ReaderParts {
  config: ImageSearchConfig;
  projectFolder: string;
  trace: ImageTracer;
}

/** Reads files of the library. */
export function createIndexingReader(parts: ReaderParts): ImageReader & VideoReader {
  const { decodeTimeoutSeconds, ffmpeg, maxBytes, maxPixels } = parts.config.indexing;
  const limits = { maxBytes, maxPixels, timeoutMs: decodeTimeoutSeconds * SECOND_MS };
  return createImageReader(limits, parts.projectFolder, ffmpeg, parts.trace);
}

/** Reads images that searches are made with. */
export function createQueryReader({ config, projectFolder, trace }: ReaderParts): ImageReader {
  const { decodeTimeoutSeconds, maxImageBytes: maxBytes, maxPixels } = config.search;
  const limits = { maxBytes, maxPixels, timeoutMs: decodeTimeoutSeconds * SECOND_MS };
  return createImageReader(limits, projectFolder, undefined, trace);
}
