import { readFile } from 'node:fs/promises';

/** Bytes of a process that are in memory. Linux only, like the figure's meaning. */
export async function residentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  const kibibytes = /VmRSS:\s+(\d+) kB/.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error('The memory of the process is not known.');
  return Number(kibibytes) * 1_024;
}
