import { ImageSearchError } from '../../../plugin/src/errors';
import type { VisibleFiles } from '../../../plugin/src/search/contract';

/** Fails with `file-not-found` when the file is not there, or the caller may not see it. */
export async function requireReadable(
  visible: Pick<VisibleFiles<unknown>, 'keepReadable'>,
  fileId: number,
): Promise<void> {
  if ((await visible.keepReadable([fileId])).has(fileId)) return;
  throw new ImageSearchError({
    code: 'file-not-found',
    message: `There is no file ${String(fileId)}.`,
    retryable: false,
  });
}
