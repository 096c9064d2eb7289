import { createHash } from 'node:crypto';

/** SHA-256 of a file's bytes, lower-case hexadecimal, 64 characters: equal for identical files and no others. */
export function hashContent(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
