/**
 * `npm run bench [name …]`: measures what the product promises, prints a table and writes bench/results.json. The
 * figures are medians of several runs on this machine; the bars are those of the product's own goals.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { isHeld, type Measurement } from './measurement';

const benches: Record<string, () => Promise<Measurement[]>> = {
  store: async () => (await import('./vector-store')).benchVectorStore(),
  indexing: async () => (await import('./indexing')).benchIndexing(),
  uploads: async () => (await import('./uploads')).benchUploads(),
  search: async () => (await import('./search')).benchSearch(),
  memory: async () => (await import('./memory')).benchMemory(),
  kill: async () => (await import('./kill')).benchKill(),
};

const resultsFile = path.resolve(__dirname, '../../bench/results.json');

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !(name in benches));
  if (unknown.length > 0) {
    throw new Error(
      `No bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`,
    );
  }
  const results: Measurement[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`Measuring ${name} …`);
    results.push(...(await bench()));
  }
  console.table(results.map(toRow));
  await mkdir(path.dirname(resultsFile), { recursive: true });
  await writeFile(
    resultsFile,
    `${JSON.stringify({ machine: describeMachine(), results }, null, 2)}\n`,
  );
  console.log(`Written to ${path.relative(process.cwd(), resultsFile)}.`);
}

function toRow(measurement: Measurement) {
  const { name, unit, median, min, max, runs, bar } = measurement;
  return {
    what: name,
    median: round(median),
    min: round(min),
    max: round(max),
    unit,
    runs,
    bar: `${bar.kind} ${String(bar.value)}`,
    held: isHeld(measurement) ? 'yes' : 'NO',
  };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
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

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
