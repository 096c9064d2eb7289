import { describe, expect, it } from '@jest/globals';
import { countCores } from '../../plugin/src/processor-cores';

const folder = '/sys/fs/cgroup';

function countWith(files: Record<string, string>): number {
  return countCores(8, (file) => {
    const text = files[file];
    if (text === undefined) throw new Error('ENOENT');
    return text;
  });
}

describe('processor cores', () => {
  it('are those of the machine without a limit', () => {
    expect(countWith({})).toBe(8);
    expect(countWith({ [`${folder}/cpu.max`]: 'max 100000\n' })).toBe(8);
    expect(
      countWith({
        [`${folder}/cpu/cpu.cfs_quota_us`]: '-1\n',
        [`${folder}/cpu/cpu.cfs_period_us`]: '100000\n',
      }),
    ).toBe(8);
  });

  it.each([
    ['200000 100000', 2],
    ['150000 100000', 2],
    ['10000 100000', 1],
    ['1600000 100000', 8],
  ])('are those of the container: %s', (limit, cores) => {
    expect(countWith({ [`${folder}/cpu.max`]: `${limit}\n` })).toBe(cores);
    const [quota, period] = limit.split(' ');
    expect(
      countWith({
        [`${folder}/cpu/cpu.cfs_quota_us`]: `${String(quota)}\n`,
        [`${folder}/cpu/cpu.cfs_period_us`]: `${String(period)}\n`,
      }),
    ).toBe(cores);
  });
});
