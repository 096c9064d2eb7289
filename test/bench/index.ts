/**
 * `npm run bench [name…]`: measures what the product promises, prints a table and writes bench/results.json. The
 * figures are medians of several runs on this machine; the bars are those of the product's own goals.
 * `npm run bench -- scale` measures how the stores grow instead, and `npm run bench -- peers` what Python takes to embed the
 * same photographs; it needs Python 3, and installs what it needs into .cache/.
 */
import { loadavg } from 'node:os';
import path from 'node:path';
import { isHeld, type Measurement } from './measurement';
import { readResults, resultsFile, writeResults } from './results-file';

const benches: Record<string, () => Promise<Measurement[]>> = {
  store: async () => (await import('./vector-store')).benchVectorStore(),
  indexing: async () => (await import('./indexing')).benchIndexing(),
  uploads: async () => (await import('./uploads')).benchUploads(),
  search: async () => (await import('./search')).benchSearch(),
  duplicates: async () => (await import('./duplicate-search')).benchDuplicateSearch(),
  panel: async () => (await import('./panel')).benchPanel(),
  peers: async () => (await import('./peers')).benchPeers(),
  idle: async () => (await import('./idle')).benchIdle(),
  kill: async () => (await import('./kill')).benchKill(),
};

async function main(names: readonly string[]): Promise<void> {
  if (names[0] === 'scale') {
    await (await import('./scale')).benchScale(names.slice(1));
    return;
  }
  const unknown = names.filter((name) => !(name in benches));
  if (unknown.length > 0) {
    throw new Error(
      `No bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`,
    );
  }
  const results: Measurement[] = [];
  for (const [name, bench] of Object.entries(benches)) {
    // Peers need what isn't installed with the others.
    if (names.length > 0 ? !names.includes(name) : name === 'peers') continue;
    console.log(`Measuring ${name}…`);
    const [loadAverage = 0] = loadavg();
    const measured = await bench();
    results.push(...measured.map((result) => ({ ...result, bench: name, loadAverage })));
  }
  console.table(results.map(toRow));
  const known = await readResults();
  const benchesRun = new Set(results.map(({ bench }) => bench));
  const others = known.results.filter(({ bench }) => bench === undefined || !benchesRun.has(bench));
  const named = new Map([...others, ...results].map((result) => [result.name, result]));
  await writeResults({ ...known, results: [...named.values()] });
  console.log(`Written to ${path.relative(process.cwd(), resultsFile)}.`);
}

function toRow(measurement: Measurement) {
  const { name, unit, median, min, max, runs, bar, loadAverage = 0 } = measurement;
  return {
    what: name,
    median: round(median),
    min: round(min),
    max: round(max),
    unit,
    runs,
    load: round(loadAverage),
    bar: `${bar.kind} ${String(bar.value)}`,
    held: isHeld(measurement) ? 'yes' : 'NO',
  };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
