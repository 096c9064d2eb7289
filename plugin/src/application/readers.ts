import type { ImageSearchConfig } from '../config';
import { fileKinds, kindOf, type FileKind } from '../contracts/file-kinds';
import type { ImageSearchError } from '../errors';
import { findPdfReader, missingPdfReader } from '../images/pdf';
import { findFfmpeg, missingFfmpeg } from '../images/video';

/** The kinds of files that are indexed here: images, and others whose reader is in the project. */
export function kindsRead({ indexing }: ImageSearchConfig, projectFolder: string): FileKind[] {
  const isRead: Record<FileKind, boolean> = {
    image: true,
    document: indexing.views.pages !== 0 && findPdfReader(projectFolder) !== null,
    video: indexing.views.videoFrames !== 0 && findFfmpeg(indexing.ffmpeg) !== null,
  };
  return fileKinds.filter((kind) => isRead[kind]);
}

/** Null unless files of this type would be indexed if their reader were installed. */
export function missingReaderFor(
  mimeType: string,
  { indexing }: ImageSearchConfig,
  projectFolder: string,
): ImageSearchError | null {
  switch (kindOf(mimeType)) {
    case 'document':
      return findPdfReader(projectFolder) === null ? missingPdfReader(projectFolder) : null;
    case 'video':
      return findFfmpeg(indexing.ffmpeg) === null ? missingFfmpeg() : null;
    case 'image':
    case null:
      return null;
  }
}
