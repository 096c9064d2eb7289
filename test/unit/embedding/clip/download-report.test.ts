import { describe, expect, it } from '@jest/globals';
import {
  createDownloadReport,
  type DownloadReport,
} from '../../../../plugin/src/embedding/clip/provider';
import { createRecordingLogger } from '../../../support/recording-logger';

function openReport(): {
  report: DownloadReport;
  told: (string | null)[];
  advance: (ms: number) => void;
  logged: () => string[];
} {
  let now = 0;
  const told: (string | null)[] = [];
  const logger = createRecordingLogger();
  const report = createDownloadReport(
    'some/model',
    { logger, onProgress: (sentence) => told.push(sentence) },
    () => now,
  );
  return { report, told, advance: (ms) => (now += ms), logged: () => logger.at('info') };
}

const MB = 1e6;

describe('a download report', () => {
  it('reports every ten percent, also in the log', () => {
    const { report, told, logged } = openReport();
    for (let loaded = 0; loaded <= 100 * MB; loaded += MB) {
      report.update({ file: 'weights', loaded, total: 100 * MB });
    }
    expect(told).toHaveLength(11);
    expect(told[1]).toBe('Downloading the model "some/model": 10.0 of 100.0 MB (10%).');
    expect(logged()).toEqual(told);
    expect(report.current).toBe(told.at(-1));
  });

  it('reports at least every five seconds', () => {
    const { report, told, advance } = openReport();
    report.update({ file: 'weights', loaded: 0, total: 100 * MB });
    advance(4_999);
    report.update({ file: 'weights', loaded: 1 * MB, total: 100 * MB });
    expect(told).toHaveLength(1);
    advance(1);
    report.update({ file: 'weights', loaded: 2 * MB, total: 100 * MB });
    expect(told).toHaveLength(2);
  });

  it('adds up files', () => {
    const { report } = openReport();
    report.update({ file: 'text', loaded: 0, total: 10 * MB });
    report.update({ file: 'vision', loaded: 5 * MB, total: 30 * MB });
    expect(report.current).toContain('5.0 of 40.0 MB (12%)');
  });

  it('ends with null, once', () => {
    const { report, told } = openReport();
    report.update({ file: 'weights', loaded: 0, total: MB });
    report.end();
    report.end();
    expect(told.slice(1)).toEqual([null]);
    expect(report.current).toBeNull();
  });

  it('is silent about files that already exist', () => {
    const { report, told } = openReport();
    report.update({ file: 'weights', loaded: MB, total: MB });
    report.end();
    expect(told).toEqual([]);
  });
});
