import type { DuplicateWatch, PictureTraces } from '../../plugin/src/duplicates/contract';

/** Notes what indexing tells of pictures, and compares nothing. */
export class RecordingDuplicateWatch implements DuplicateWatch {
  readonly told: { what: 'expect' | 'indexed' | 'traced'; fileIds: number[]; spaceId?: string }[] =
    [];
  readonly #traces: Pick<PictureTraces, 'remove'>;

  constructor(traces: Pick<PictureTraces, 'remove'>) {
    this.#traces = traces;
  }

  expect(fileIds: readonly number[], spaceId: string): Promise<void> {
    this.told.push({ what: 'expect', fileIds: [...fileIds], spaceId });
    return Promise.resolve();
  }

  indexed(fileIds: readonly number[], spaceId: string): void {
    this.told.push({ what: 'indexed', fileIds: [...fileIds], spaceId });
  }

  traced(fileIds: readonly number[]): void {
    this.told.push({ what: 'traced', fileIds: [...fileIds] });
  }

  forget(fileIds: readonly number[]): Promise<void> {
    return this.#traces.remove(fileIds);
  }
}
