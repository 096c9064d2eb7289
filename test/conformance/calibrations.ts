import { beforeEach, describe, expect, it } from '@jest/globals';
import type {
  Calibration,
  Calibrations,
  EmbeddedNullTexts,
} from '../../plugin/src/search/relevance/contract';

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

const texts: EmbeddedNullTexts = {
  version: 1,
  nonsense: [vector(0.1, -0.2), vector(1, 0)],
  abstract: [vector(0, 1)],
};

const calibration: Calibration = {
  version: 1,
  files: 12,
  texts: [-0.5, 0.25],
  images: [0.75],
  neutral: vector(0.3, 0.4),
  nonsense: vector(0.6, 0.8),
  center: vector(0, -1),
  pairs: [0.1, 0.2, 0.3],
};

/** @param empty returns a repository without records */
export function describeCalibrations(name: string, empty: () => Promise<Calibrations>): void {
  describe(`calibrations ${name}`, () => {
    let records: Calibrations;

    beforeEach(async () => {
      records = await empty();
    });

    it('know nothing of a space at first', async () => {
      expect(await records.read('one')).toBeNull();
      expect(await records.readTexts('one')).toBeNull();
    });

    it('keep texts and figures of each space as they were', async () => {
      await records.saveTexts('one', texts);
      expect(await records.read('one')).toBeNull();
      expect(await records.readTexts('one')).toEqual(texts);
      await records.save('one', calibration);
      expect(await records.read('one')).toEqual(calibration);
      expect(await records.readTexts('one')).toEqual(texts);
      expect(await records.read('two')).toBeNull();
    });

    it('sum up the figures', async () => {
      expect(await records.readSummary('one')).toBeNull();
      await records.saveTexts('one', texts);
      expect(await records.readSummary('one')).toBeNull();
      await records.save('one', calibration);
      expect(await records.readSummary('one')).toEqual({ version: 1, files: 12 });
      await records.saveTexts('one', texts);
      expect(await records.readSummary('one')).toBeNull();
    });

    it('replace figures', async () => {
      await records.saveTexts('one', texts);
      await records.save('one', calibration);
      await records.save('one', { ...calibration, files: 99, images: [] });
      expect(await records.read('one')).toEqual({ ...calibration, files: 99, images: [] });
    });

    it('drop figures that other texts led to', async () => {
      await records.saveTexts('one', texts);
      await records.save('one', calibration);
      const others = { ...texts, version: 2, nonsense: [] };
      await records.saveTexts('one', others);
      expect(await records.read('one')).toBeNull();
      expect(await records.readTexts('one')).toEqual(others);
    });

    it('keep no figures of a space without texts', async () => {
      await records.save('one', calibration);
      expect(await records.read('one')).toBeNull();
    });

    it('forget a space, known or not', async () => {
      await records.saveTexts('one', texts);
      await records.saveTexts('two', texts);
      await records.forget('one');
      await records.forget('three');
      expect(await records.readTexts('one')).toBeNull();
      expect(await records.readTexts('two')).toEqual(texts);
    });
  });
}
