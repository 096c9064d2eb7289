import { describe, expect, it } from '@jest/globals';
import type { FileIndex } from '../../../admin/src/api/file-index';
import { wordsOf } from '../../../admin/src/editors/file-index-words';
import { errorCodes } from '../../../plugin/src/errors';

const EDITOR = false;
const OPERATOR = true;

function fileIndex(differences: Partial<FileIndex>): FileIndex {
  return {
    fileId: 1,
    state: 'waiting',
    isFindable: false,
    isPaused: false,
    reason: null,
    message: null,
    indexedAt: null,
    ...differences,
  };
}

describe('The words about a file in the index', () => {
  it('tell editors what another file mends', () => {
    const failed = fileIndex({ state: 'failed', reason: 'image-unreadable' });
    expect(wordsOf(failed, EDITOR)).toMatchObject({
      title: 'widgets.index.givenUp',
      reason: 'index.reason.unreadable',
    });
  });

  it('send editors to somebody for what another file does not mend', () => {
    for (const reason of ['storage-refused', 'provider-bad-answer', 'store-unavailable', 'new']) {
      const failed = fileIndex({ state: 'failed', reason });
      expect(wordsOf(failed, EDITOR).reason).toBe('index.reason.fault');
    }
  });

  it('tell operators what they can do, and of everything unforeseen to look at the details', () => {
    const reasonTold = (reason: string) =>
      wordsOf(fileIndex({ state: 'failed', reason }), OPERATOR).reason;
    expect(reasonTold('storage-refused')).toBe('index.reason.storageRefused');
    expect(reasonTold('provider-bad-answer')).toBe('index.reason.provider');
    expect(errorCodes.map(reasonTold)).not.toContain('index.reason.fault');
  });

  it('do not say that a picture is not in search while its former vector is', () => {
    const failed = fileIndex({ state: 'failed', reason: 'image-missing', isFindable: true });
    expect(wordsOf(failed, EDITOR).title).toBe('widgets.index.outdated');
    expect(wordsOf(fileIndex({ isFindable: true }), EDITOR).title).toBe('widgets.index.again');
  });

  it('blame a pause on no picture, and offer no other try', () => {
    const paused = fileIndex({ isPaused: true, reason: 'provider-unavailable' });
    expect(wordsOf(paused, OPERATOR)).toEqual({
      tone: 'waiting',
      title: 'widgets.index.paused',
      reason: null,
      action: null,
    });
  });

  it('offer another try to what failed, and none to what is well or no picture', () => {
    const actionFor = (differences: Partial<FileIndex>) =>
      wordsOf(fileIndex(differences), OPERATOR).action;
    expect(actionFor({ state: 'skipped', reason: 'image-too-large' })).toBe(
      'common.failure.tryAgain',
    );
    expect(actionFor({ reason: 'image-missing' })).toBe('common.failure.tryAgain');
    expect(actionFor({ state: 'unseen' })).toBe('widgets.index.indexNow');
    expect(actionFor({})).toBeNull();
    expect(actionFor({ state: 'indexed', isFindable: true })).toBeNull();
    expect(actionFor({ state: 'not-a-picture' })).toBeNull();
  });
});
