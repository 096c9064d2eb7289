import { describe, expect, it } from '@jest/globals';
import { createVectorSpace } from '../../../plugin/src/embedding/vector-space';
import type { CopyProgress } from '../../../plugin/src/vectors/copy';
import { ProgressReport } from '../../../server/src/commands/progress-report';

const spaceOf = (model: string) =>
  createVectorSpace({ provider: 'test', model, dimensions: 8, preprocessing: 'none' });
const space = spaceOf('first');

const progressOf = (done: number, others: Partial<CopyProgress> = {}): CopyProgress => ({
  space,
  total: 10_000,
  done,
  copied: done,
  unchanged: 0,
  extra: 0,
  ...others,
});

function createReport(isTerminal: boolean) {
  let time = 1_000_000;
  let written = '';
  const report = new ProgressReport({
    isTerminal,
    write: (text) => (written += text),
    now: () => time,
  });
  return {
    report,
    written: () => written,
    wait: (seconds: number) => (time += 1_000 * seconds),
  };
}

describe('ProgressReport', () => {
  it('shows the count, the speed and the remaining time', () => {
    const { report, written, wait } = createReport(false);
    report.update(progressOf(0));
    wait(10);
    report.update(progressOf(2_500));
    wait(10);
    report.update(progressOf(4_000, { copied: 1_500, unchanged: 2_500 }));
    wait(30);
    report.update(progressOf(10_000, { copied: 7_500, unchanged: 2_500 }));
    report.end();
    expect(written().split('\n')).toEqual([
      `${space.id}: 10,000 vectors`,
      '  0 of 10,000, 0 copied',
      '  2,500 of 10,000, 2,500 copied, 250/s, 30 s left',
      '  4,000 of 10,000, 1,500 copied, 2,500 unchanged, 200/s, 30 s left',
      '  10,000 of 10,000, 7,500 copied, 2,500 unchanged, 200/s',
      '',
    ]);
  });

  it.each([
    [600, '16 min left'],
    [60, '2 h 46 min left'],
    [9_999, '1 s left'],
  ])('after %i vectors in a minute shows %s', (done, left) => {
    const { report, written, wait } = createReport(false);
    report.update(progressOf(0));
    wait(60);
    report.update(progressOf(done));
    expect(written()).toContain(left);
  });

  it('writes occasionally without a terminal, and always at the end', () => {
    const { report, written, wait } = createReport(false);
    for (let done = 0; done <= 10_000; done += 100) {
      report.update(progressOf(done));
      wait(0.1);
    }
    report.end();
    const lines = written().trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toContain('10,000 of 10,000');
  });

  it('overwrites one line on a terminal', () => {
    const { report, written, wait } = createReport(true);
    for (const done of [0, 5_000, 10_000]) {
      report.update(progressOf(done));
      wait(1);
    }
    report.end();
    expect(written().split('\n')).toHaveLength(3);
    expect(written().split('\r\u001B[K')).toHaveLength(4);
    expect(written()).toContain('  10,000 of 10,000, 10,000 copied');
  });

  it('starts over with each space', () => {
    const { report, written, wait } = createReport(false);
    report.update(progressOf(0));
    wait(1);
    report.update(progressOf(10_000));
    wait(100);
    report.update(progressOf(0, { space: spaceOf('second'), total: 10 }));
    wait(1);
    report.update(progressOf(10, { space: spaceOf('second'), total: 10 }));
    report.end();
    expect(written()).toContain(`${spaceOf('second').id}: 10 vectors\n`);
    expect(written()).toContain('  10 of 10, 10 copied, 10/s\n');
    expect(written()).toContain('  10,000 of 10,000');
  });

  it('has nothing to end before it starts', () => {
    const { report, written } = createReport(true);
    report.end();
    expect(written()).toBe('');
  });
});
