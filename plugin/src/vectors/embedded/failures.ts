import { ImageSearchError, toImageSearchError } from '../../errors';

/** What the file holds cannot be what this store wrote, though SQLite has no objection. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
  readonly code = 'SQLITE_CORRUPT';
}

/** Whether the file itself is broken, so that trying again is in vain. */
export function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error));
}

/**
 * Whether the connection must be opened anew to notice that the cause is gone: SQLite decides when it opens a file
 * whether it can write to it, and does not look again.
 */
export function outdatesConnection(error: unknown): boolean {
  return /^SQLITE_(READONLY|CANTOPEN|IOERR|PERM|AUTH)/.test(codeOf(error));
}

/**
 * Names an error of SQLite or of the file system: `store-unavailable`, because a full disk, a read-only folder or a
 * lock may be gone with the next try. Errors of neither pass as `toImageSearchError` has them.
 */
export function toStoreError(error: unknown, file: string): ImageSearchError {
  const code = codeOf(error);
  if (error instanceof ImageSearchError || code === '') return toImageSearchError(error);
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The vector file ${file} cannot be used: ${adviceFor(code)} (${code}). Its place is the setting vectors.path.`,
    retryable: true,
    cause: error,
  });
}

/** `SQLITE_…` or the name of an `errno`; empty for any other error. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

function adviceFor(code: string): string {
  if (/FULL|ENOSPC|EDQUOT/.test(code)) return 'the disk is full, make room there';
  if (/READONLY|EROFS|EACCES|EPERM|SQLITE_PERM/.test(code)) {
    return 'it or its folder cannot be written by the user that Strapi runs as';
  }
  if (/BUSY|LOCKED/.test(code)) return 'another process keeps it locked';
  if (/CANTOPEN|ENOTDIR|EEXIST|EISDIR|ENOENT/.test(code)) {
    return 'there must be a folder that can be written, and no folder of its own name in it';
  }
  return 'reading or writing it failed';
}
