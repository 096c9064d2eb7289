/**
 * `npm run bench -- scale [embedded] [postgres] [postgres-exact] [qdrant] [<points>…] [--resume]`: how the stores grow,
 * from 10,000 to a million vectors. Every size is written to bench/results.json when it is done, and `--resume` leaves out what is there.
 */
import { fork } from 'node:child_process';
import { loadavg } from 'node:os';
import path from 'node:path';
import { withDataFolder } from '../fixtures';
import { timed } from '../measurement';
import { readResults, resultsFile, writeResults } from '../results-file';
import { DIMENSIONS } from './dataset';
import {
  storeNames,
  type LoadReport,
  type QueryReport,
  type ScaleResult,
  type StoreName,
} from './result';
import { createSubject } from './subjects';

const usualSizes = [10_000, 100_000, 1_000_000];

export async function benchScale(given: readonly string[]): Promise<void> {
  const { stores, sizes, isResumed } = parse(given);
  for (const points of sizes) {
    for (const store of stores) {
      const { scale } = await readResults();
      if (isResumed && scale.some((known) => isSame(known, { store, points }))) continue;
      console.log(`Measuring ${store} with ${points.toLocaleString('en')} points…`);
      await keep(await measure(store, points));
    }
  }
  const { scale } = await readResults();
  console.table(scale.map(toRow));
  console.log(`Written to ${path.relative(process.cwd(), resultsFile)}.`);
}

function parse(given: readonly string[]) {
  const isResumed = given.includes('--resume');
  const words = given.filter((word) => word !== '--resume');
  const stores = storeNames.filter((name) => words.includes(name));
  const sizes = words.map(Number).filter((size) => Number.isSafeInteger(size) && size > 0);
  if (stores.length + sizes.length < words.length) {
    throw new Error(`scale takes ${storeNames.join(', ')}, numbers of points and --resume.`);
  }
  const { POSTGRES_URL, QDRANT_URL } = process.env;
  const reachable = storeNames.filter(
    (name) => name === 'embedded' || (name === 'qdrant' ? QDRANT_URL : POSTGRES_URL),
  );
  return {
    stores: stores.length > 0 ? stores : reachable,
    sizes: sizes.length > 0 ? sizes : usualSizes,
    isResumed,
  };
}

async function measure(store: StoreName, points: number): Promise<ScaleResult> {
  const [loadAverage = 0] = loadavg();
  return withDataFolder(async (folder) => {
    const runPhase = <Report>(phase: 'load' | 'query') =>
      inProcess<Report>([phase, store, String(points), folder]);
    const subject = createSubject(store, folder, true);
    try {
      const { loadSeconds, directLoadSeconds } = await runPhase<LoadReport>('load');
      const { milliseconds: settleMs } = await timed(() => subject.settle());
      const diskBytes = await subject.diskBytes();
      const { direct, ...report } = await runPhase<QueryReport>('query');
      return {
        store,
        points,
        dimensions: DIMENSIONS,
        loadSeconds,
        settleSeconds: settleMs / 1_000,
        diskBytes,
        ...report,
        ...(direct && { direct: { loadSeconds: directLoadSeconds, ...direct } }),
        loadAverage,
      };
    } finally {
      await subject.remove();
      await subject.store.dispose();
    }
  });
}

/** Resolves with what the process sends; fails when it ends before. */
function inProcess<Report>(given: readonly string[]): Promise<Report> {
  const child = fork(path.join(__dirname, 'process.ts'), given, { execArgv: ['--import', 'tsx'] });
  return new Promise((resolve, reject) => {
    let report: Report | undefined;
    child.once('message', (message) => (report = message as Report));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (report !== undefined) resolve(report);
      else reject(new Error(`${given.join(' ')} ended with ${String(code)}.`));
    });
  });
}

async function keep(result: ScaleResult): Promise<void> {
  const results = await readResults();
  const scale = [...results.scale.filter((known) => !isSame(known, result)), result];
  scale.sort((a, b) => a.store.localeCompare(b.store) || a.points - b.points);
  await writeResults({ ...results, scale });
}

function isSame(
  left: Pick<ScaleResult, 'store' | 'points'>,
  right: Pick<ScaleResult, 'store' | 'points'>,
): boolean {
  return left.store === right.store && left.points === right.points;
}

function toRow({ store, points, direct, ...result }: ScaleResult) {
  const mebibytes = (bytes: number | null) => (bytes === null ? '–' : Math.round(bytes / 2 ** 20));
  const ms = (value: number | undefined) => value && Number(value.toPrecision(3));
  return {
    store,
    points,
    'load s': ms(result.loadSeconds),
    'settle s': ms(result.settleSeconds),
    'disk MiB': mebibytes(result.diskBytes),
    'memory MiB': mebibytes(result.memoryBytes),
    'first ms': ms(result.firstQueryMs),
    recall: ms(result.recall),
    '1 client p50': ms(result.oneClient.p50),
    p95: ms(result.oneClient.p95),
    '16 clients p50': ms(result.sixteenClients.p50),
    'p95 ': ms(result.sixteenClients.p95),
    'direct 1': ms(direct?.oneClient.p50),
    'direct 16': ms(direct?.sixteenClients.p50),
  };
}
