import type {
  Calibration,
  Calibrations,
  EmbeddedNullTexts,
} from '../../plugin/src/search/relevance/contract';

export class MemoryCalibrations implements Calibrations {
  readonly #rows = new Map<string, { texts: EmbeddedNullTexts; calibration: Calibration | null }>();

  read(spaceId: string): Promise<Calibration | null> {
    return Promise.resolve(this.#rows.get(spaceId)?.calibration ?? null);
  }

  async readSummary(spaceId: string): Promise<Pick<Calibration, 'version' | 'files'> | null> {
    const calibration = await this.read(spaceId);
    return calibration && { version: calibration.version, files: calibration.files };
  }

  readTexts(spaceId: string): Promise<EmbeddedNullTexts | null> {
    return Promise.resolve(this.#rows.get(spaceId)?.texts ?? null);
  }

  saveTexts(spaceId: string, texts: EmbeddedNullTexts): Promise<void> {
    this.#rows.set(spaceId, { texts, calibration: null });
    return Promise.resolve();
  }

  save(spaceId: string, calibration: Calibration): Promise<void> {
    const row = this.#rows.get(spaceId);
    if (row) row.calibration = calibration;
    return Promise.resolve();
  }

  forget(spaceId: string): Promise<void> {
    this.#rows.delete(spaceId);
    return Promise.resolve();
  }
}
