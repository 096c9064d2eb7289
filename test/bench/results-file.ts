import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import type { Measurement } from './measurement';
import type { ScaleResult } from './scale/result';

export const resultsFile = path.resolve(__dirname, '../../bench/results.json');

export interface BenchResults {
  machine: ReturnType<typeof describeMachine>;
  results: Measurement[];
  scale: ScaleResult[];
}

/** What was measured last, each thing at its time. */
export async function readResults(): Promise<BenchResults> {
  const empty: BenchResults = { machine: describeMachine(), results: [], scale: [] };
  try {
    const known = JSON.parse(await readFile(resultsFile, 'utf8')) as Partial<BenchResults>;
    return { ...empty, ...known, machine: empty.machine };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return empty;
  }
}

export async function writeResults(results: BenchResults): Promise<void> {
  await mkdir(path.dirname(resultsFile), { recursive: true });
  await writeFile(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
}

function describeMachine() {
  return {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    processors: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}
