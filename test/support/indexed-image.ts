import { expect } from '@jest/globals';
import { hashContent } from '../../plugin/src/images/trace';
import { hashVector } from './hash-provider';
import type { IndexingRig } from './indexing-rig';
import { signatureOf } from './memory-assets';
import { pixelsOf } from './plain-images';

/** That entry and vector of a file are those of these bytes. */
export async function expectIndexed(
  rig: IndexingRig,
  fileId: number,
  bytes: Uint8Array,
): Promise<void> {
  const contentHash = await hashContent(bytes);
  expect(await rig.entry(fileId)).toMatchObject({
    state: 'indexed',
    contentHash,
    sourceSignature: signatureOf(bytes),
    lease: null,
    errorCode: null,
  });
  expect(await rig.point(fileId)).toMatchObject({
    vector: hashVector(pixelsOf(bytes).data),
    payload: { contentHash, mimeType: 'image/png', extension: '.png' },
  });
}
