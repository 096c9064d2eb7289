import { describe, expect, it } from '@jest/globals';
import type { FileIndex } from '../../../admin/src/api/files';
import { fileIndexText } from '../../../admin/src/hooks/failure-text';
import { failureReasonSchema, type FailureReason } from '../../../plugin/src/contracts/file-status';

const EDITOR = false;
const OPERATOR = true;

function fileIndex(differences: Partial<FileIndex>): FileIndex {
  return {
    fileId: 1,
    state: 'waiting',
    isSearchable: false,
    isPaused: false,
    code: null,
    reason: null,
    message: null,
    indexedAt: null,
    isPartial: false,
    text: null,
    ...differences,
  };
}

describe('The text about a file in the index', () => {
  it('tells editors what a different file would fix', () => {
    const failed = fileIndex({ state: 'failed', reason: 'unreadable' });
    expect(fileIndexText(failed, EDITOR)).toMatchObject({
      title: 'widgets.index.notSearchable',
      reason: 'index.reason.unreadable',
    });
  });

  it("sends editors to their administrator for what a different file wouldn't fix", () => {
    for (const reason of ['storage-refused', 'provider', 'store', 'unexpected'] as const) {
      const failed = fileIndex({ state: 'failed', reason });
      expect(fileIndexText(failed, EDITOR).reason).toBe('index.reason.askAdministrator');
    }
  });

  it('tells operators what they can do, and points to the details of unexpected errors', () => {
    const reasonTold = (reason: FailureReason) =>
      fileIndexText(fileIndex({ state: 'failed', reason }), OPERATOR).reason;
    expect(reasonTold('storage-refused')).toBe('index.reason.storageRefused');
    expect(reasonTold('provider')).toBe('index.reason.provider');
    expect(failureReasonSchema.options.map(reasonTold)).not.toContain(
      'index.reason.askAdministrator',
    );
  });

  it("doesn't call an image unsearchable while its previous vector is in use", () => {
    const failed = fileIndex({ state: 'failed', reason: 'missing', isSearchable: true });
    expect(fileIndexText(failed, EDITOR).title).toBe('widgets.index.outdated');
    expect(fileIndexText(fileIndex({ isSearchable: true }), EDITOR).title).toBe(
      'widgets.index.reindexing',
    );
  });

  it('blames no image for a pause, and offers no retry', () => {
    const paused = fileIndex({ isPaused: true, reason: 'provider' });
    expect(fileIndexText(paused, OPERATOR)).toEqual({
      tone: 'waiting',
      title: 'widgets.index.paused',
      reason: null,
      action: null,
    });
  });

  it("offers a retry for failures, but not for indexed files or files that aren't images", () => {
    const actionFor = (differences: Partial<FileIndex>) =>
      fileIndexText(fileIndex(differences), OPERATOR).action;
    expect(actionFor({ state: 'skipped', reason: 'too-large' })).toBe('common.failure.tryAgain');
    expect(actionFor({ reason: 'missing' })).toBe('common.failure.tryAgain');
    expect(actionFor({ state: 'not-queued' })).toBe('widgets.index.indexNow');
    expect(actionFor({})).toBeNull();
    expect(actionFor({ state: 'indexed', isSearchable: true })).toBeNull();
    expect(actionFor({ state: 'not-an-image' })).toBeNull();
    expect(actionFor({ state: 'in-trash' })).toBeNull();
  });
});
