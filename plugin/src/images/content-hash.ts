import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Hashed within a millisecond or so. */
const SLICE_BYTES = 1_000_000;

/**
 * SHA-256 of a file's bytes, lower-case hexadecimal, 64 characters: equal for identical files and no others.
 *
 * A large file is hashed in slices, between which others have their turn. WebCrypto's digest would hash on another
 * thread, but copies the bytes on this one first, which takes as long.
 */
export async function hashContent(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    if (start > 0) await nextTurn();
    hash.update(bytes.subarray(start, start + SLICE_BYTES));
  }
  return hash.digest('hex');
}
