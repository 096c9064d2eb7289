import type { DuplicateWatch, ImageTraces } from '../../plugin/src/duplicates/contract';

/** Notes what indexing tells of images, and compares nothing. */
export class RecordingDuplicateWatch implements DuplicateWatch {
  readonly told: {
    what: 'beforeIndexing' | 'indexed' | 'traced';
    fileIds: number[];
    spaceId?: string;
  }[] = [];
  readonly forgotten: number[] = [];
  readonly #traces: Pick<ImageTraces, 'remove'>;

  constructor(traces: Pick<ImageTraces, 'remove'>) {
    this.#traces = traces;
  }

  beforeIndexing(fileIds: readonly number[], spaceId: string): Promise<void> {
    this.told.push({ what: 'beforeIndexing', fileIds: [...fileIds], spaceId });
    return Promise.resolve();
  }

  indexed(fileIds: readonly number[], spaceId: string): void {
    this.told.push({ what: 'indexed', fileIds: [...fileIds], spaceId });
  }

  traced(fileIds: readonly number[]): void {
    this.told.push({ what: 'traced', fileIds: [...fileIds] });
  }

  forget(fileIds: readonly number[]): Promise<void> {
    this.forgotten.push(...fileIds);
    return this.#traces.remove(fileIds);
  }
}
