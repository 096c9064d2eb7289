import type { ImageSearchConfig } from '../config';
import { fileKinds, kindOf, type FileKind } from '../contracts/file-kinds';
import type { ImageSearchError } from '../errors';
import { findPdfReader, missingPdfReader } from '../images/pdf';

/** The kinds of files that are indexed here: images, and others whose reader is in the project. */
export function kindsRead({ indexing }: ImageSearchConfig, projectFolder: string): FileKind[] {
  const isRead: Record<FileKind, boolean> = {
    image: true,
    document: indexing.views.pages !== 0 && findPdfReader(projectFolder) !== null,
  };
  return fileKinds.filter((kind) => isRead[kind]);
}

/** Null unless files of this type would be indexed if their reader were installed. */
export function missingReaderFor(mimeType: string, projectFolder: string): ImageSearchError | null {
  const isMissing = kindOf(mimeType) === 'document' && findPdfReader(projectFolder) === null;
  return isMissing ? missingPdfReader(projectFolder) : null;
}
