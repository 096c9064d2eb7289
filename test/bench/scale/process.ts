/**
 * `process.ts load|query <store> <points> <folder>`: the part of a measurement that needs a separate process, so
 * that a store's memory excludes the data generator's, and its first query follows a fresh start.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { VectorCollection } from '../../../plugin/src/vectors/contract';
import { timed } from '../measurement';
import { benchSpace, Dataset, LIMIT, type BenchQuery } from './dataset';
import { measureLatencies, type Ask, type Latency } from './latency';
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
  const compared = queries.filter(({ nearest }) => nearest.length > 0);
  const [texts, images] = [0, 1].map((kind) =>
    measureRecall(
      collection,
      compared.filter((_, position) => position % 2 === kind),
    ),
  );
  const recalls = { texts: (await texts) ?? NaN, images: (await images) ?? NaN };
  const { direct, isComparedExactly } = subject;
  const askers: Record<'ours' | 'direct' | 'exact', Ask | null> = {
    ours: (position) => collection.search({ vector: at(position), limit: LIMIT }),
    direct: direct && ((position) => direct.search([...at(position)], LIMIT)),
    exact: isComparedExactly
      ? (position) => collection.search({ vector: at(position), limit: LIMIT, isExact: true })
      : null,
  };
  const one = await measureAll({ clients: 1, queries: 100 }, askers);
  const sixteen = await measureAll({ clients: 16, queries: 320 }, askers);
  const of = (name: keyof typeof askers) => {
    const [oneClient, sixteenClients] = [one[name], sixteen[name]];
    return oneClient && sixteenClients ? { oneClient, sixteenClients } : null;
  };
  const [ours, exact] = [of('ours'), of('exact')];
  if (!ours) throw new Error('Nothing was measured.');
  return {
    memoryBytes: await subject.memoryBytes(),
    firstQueryMs,
    recall: (recalls.texts + recalls.images) / 2,
    recalls,
    ...ours,
    ...(exact && { exact }),
    direct: of('direct'),
  };
}

/** In turn. */
async function measureAll<Name extends string>(
  options: { clients: number; queries: number },
  askers: Record<Name, Ask | null>,
): Promise<Partial<Record<Name, Latency>>> {
  const present = Object.entries<Ask | null>(askers).flatMap(([name, ask]) =>
    ask === null ? [] : [{ name: name as Name, ask }],
  );
  const latencies = await measureLatencies(
    options,
    present.map(({ ask }) => ask),
  );
  return Object.fromEntries(
    present.map(({ name }, position) => [name, latencies[position]]),
  ) as Partial<Record<Name, Latency>>;
}

async function measureRecall(
  collection: VectorCollection,
  queries: readonly BenchQuery[],
): Promise<number> {
  let [found, expected] = [0, 0];
  for (const { vector, nearest } of queries) {
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
