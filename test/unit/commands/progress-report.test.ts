import { describe, expect, it } from '@jest/globals';
import type { CopyProgress } from '../../../plugin/src/vectors/copy';
import { createVectorSpace } from '../../../plugin/src/embedding/contract';
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
  it('says how many, how fast and how long still', () => {
    const { report, written, wait } = createReport(false);
    report.tell(progressOf(0));
    wait(10);
    report.tell(progressOf(2_500));
    wait(10);
    report.tell(progressOf(4_000, { copied: 1_500, unchanged: 2_500 }));
    wait(30);
    report.tell(progressOf(10_000, { copied: 7_500, unchanged: 2_500 }));
    report.end();
    expect(written().split('\n')).toEqual([
      `${space.id}: 10,000 vectors`,
      '  0 of 10,000, 0 copied',
      '  2,500 of 10,000, 2,500 copied, 250/s, 30 s left',
      '  4,000 of 10,000, 1,500 copied, 2,500 there already, 200/s, 30 s left',
      '  10,000 of 10,000, 7,500 copied, 2,500 there already, 200/s',
      '',
    ]);
  });

  it.each([
    [600, '16 min left'],
    [60, '2 h 46 min left'],
    [9_999, '1 s left'],
  ])('after %i vectors in a minute says %s', (done, left) => {
    const { report, written, wait } = createReport(false);
    report.tell(progressOf(0));
    wait(60);
    report.tell(progressOf(done));
    expect(written()).toContain(left);
  });

  it('writes now and then where there is no terminal, and the last in any case', () => {
    const { report, written, wait } = createReport(false);
    for (let done = 0; done <= 10_000; done += 100) {
      report.tell(progressOf(done));
      wait(0.1);
    }
    report.end();
    const lines = written().trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toContain('10,000 of 10,000');
  });

  it('writes one line over and over on a terminal', () => {
    const { report, written, wait } = createReport(true);
    for (const done of [0, 5_000, 10_000]) {
      report.tell(progressOf(done));
      wait(1);
    }
    report.end();
    expect(written().split('\n')).toHaveLength(3);
    expect(written().split('\r\u001B[K')).toHaveLength(4);
    expect(written()).toContain('  10,000 of 10,000, 10,000 copied');
  });

  it('begins anew with every space', () => {
    const { report, written, wait } = createReport(false);
    report.tell(progressOf(0));
    wait(1);
    report.tell(progressOf(10_000));
    wait(100);
    report.tell(progressOf(0, { space: spaceOf('second'), total: 10 }));
    wait(1);
    report.tell(progressOf(10, { space: spaceOf('second'), total: 10 }));
    report.end();
    expect(written()).toContain(`${spaceOf('second').id}: 10 vectors\n`);
    expect(written()).toContain('  10 of 10, 10 copied, 10/s\n');
    expect(written()).toContain('  10,000 of 10,000');
  });

  it('has nothing to end before it began', () => {
    const { report, written } = createReport(true);
    report.end();
    expect(written()).toBe('');
  });
});
