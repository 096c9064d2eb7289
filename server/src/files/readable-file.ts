import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';

/** @throws ImageSearchError `file-not-found` if the file does not exist or the caller can't see it */
export async function requireReadable(
  visible: Pick<VisibleFiles<unknown>, 'filterReadable'>,
  fileId: number,
): Promise<void> {
  if ((await visible.filterReadable([fileId])).has(fileId)) return;
  throw new ImageSearchError({
    code: 'file-not-found',
    message: `File ${String(fileId)} not found.`,
    retryable: false,
  });
}
