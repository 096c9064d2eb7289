/**
 * `process.ts load|query <store> <points> <folder>`: the part of a measurement that needs a separate process, so
 * that a store's memory excludes the data generator's, and its first query follows a fresh start.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { VectorCollection } from '../../../plugin/src/vectors/contract';
import { timed } from '../measurement';
import { benchSpace, Dataset, LIMIT, type BenchQuery } from './dataset';
import { measureLatencies, type Ask } from './latency';
import type { LoadReport, QueryReport, StoreName } from './result';
import type { Subject } from './subject';
import { createSubject } from './subjects';

/** Loading twice, once without the product, would take too long beyond. */
const LARGEST_DIRECT_LOAD = 100_000;

async function main([phase, store, points, folder = '']: readonly string[]): Promise<void> {
  const subject = createSubject(store as StoreName, folder);
  const queriesFile = path.join(folder, 'queries.json');
  try {
    const report =
      phase === 'load'
        ? await load(subject, Number(points), queriesFile)
        : await query(subject, queriesFile);
    await subject.store.dispose();
    process.send?.(report);
  } finally {
    process.disconnect();
  }
}

async function load(subject: Subject, count: number, queriesFile: string): Promise<LoadReport> {
  const dataset = new Dataset(count);
  const { store, direct } = subject;
  await store.dropSpace(benchSpace.id);
  const collection = await store.ensureSpace(benchSpace);
  const isDirectLoaded = direct !== null && count <= LARGEST_DIRECT_LOAD;
  if (isDirectLoaded) await direct.create();
  let [loadMs, directMs] = [0, 0];
  for (const batch of dataset.batches()) {
    loadMs += (await timed(() => collection.upsert(batch))).milliseconds;
    if (isDirectLoaded) directMs += (await timed(() => direct.load(batch))).milliseconds;
  }
  await writeFile(queriesFile, JSON.stringify(dataset.queries()));
  return {
    loadSeconds: loadMs / 1_000,
    directLoadSeconds: isDirectLoaded ? directMs / 1_000 : null,
  };
}

async function query(subject: Subject, queriesFile: string): Promise<QueryReport> {
  const queries = JSON.parse(await readFile(queriesFile, 'utf8')) as BenchQuery[];
  const vectors = queries.map(({ vector }) => Float32Array.from(vector));
  const at = (position: number) => vectors[position % vectors.length] ?? new Float32Array();
  const { result: collection, milliseconds: firstQueryMs } = await timed(async () => {
    const opened = await subject.store.ensureSpace(benchSpace);
    await opened.search({ vector: at(0), limit: LIMIT });
    return opened;
  });
  const recall = await measureRecall(collection, queries);
  const ours: Ask = (position) => collection.search({ vector: at(position), limit: LIMIT });
  const { direct } = subject;
  const askers = direct
    ? [ours, ((position) => direct.search([...at(position)], LIMIT)) satisfies Ask]
    : [ours];
  const [one, directOne] = await measureLatencies({ clients: 1, queries: 100 }, askers);
  const [sixteen, directSixteen] = await measureLatencies({ clients: 16, queries: 320 }, askers);
  if (!one || !sixteen) throw new Error('Nothing was measured.');
  return {
    memoryBytes: await subject.memoryBytes(),
    firstQueryMs,
    recall,
    oneClient: one,
    sixteenClients: sixteen,
    direct:
      directOne && directSixteen ? { oneClient: directOne, sixteenClients: directSixteen } : null,
  };
}

async function measureRecall(
  collection: VectorCollection,
  queries: readonly BenchQuery[],
): Promise<number> {
  let [found, expected] = [0, 0];
  for (const { vector, nearest } of queries.filter((candidate) => candidate.nearest.length > 0)) {
    const hits = await collection.search({ vector: Float32Array.from(vector), limit: LIMIT });
    const ids = new Set(hits.map(({ fileId }) => fileId));
    found += nearest.filter((fileId) => ids.has(fileId)).length;
    expected += nearest.length;
  }
  return found / expected;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
