import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Where Linux says how much processor time a container gets: of cgroups of version 2, and of version 1. */
const quotaFiles = [
  ['/sys/fs/cgroup/cpu.max'],
  ['/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu/cpu.cfs_period_us'],
];

/**
 * Processor cores that this process may use: those of the machine, or what its container is limited to, which Node.js
 * doesn't look at. At least 1.
 *
 * @param read returns a file's text, and throws if there is none
 */
export function countCores(
  cores = availableParallelism(),
  read = (file: string): string => readFileSync(file, 'utf8'),
): number {
  const quotas = quotaFiles.map((files) => readQuota(files, read));
  return Math.max(1, Math.min(cores, ...quotas.map((quota) => Math.ceil(quota))));
}

/** In cores; Infinity without a limit. */
function readQuota(files: readonly string[], read: (file: string) => string): number {
  try {
    const [quota, period] = files.flatMap((file) => read(file).trim().split(/\s+/)).map(Number);
    const cores = (quota ?? NaN) / (period ?? NaN);
    return cores > 0 ? cores : Infinity;
  } catch {
    return Infinity;
  }
}
