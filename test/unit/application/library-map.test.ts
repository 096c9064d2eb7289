import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LibraryMap } from '../../../plugin/src/application/library-map';
import { systemClock } from '../../../plugin/src/clock';
import { createSeededRandom } from '../../../sample/seeded-random';
import { MemoryVectorStore } from '../../support/memory-vector-store';
import { pollUntil } from '../../support/polling';
import { randomUnitVector } from '../../support/random-vectors';
import { createRecordingLogger } from '../../support/recording-logger';

const space = { id: 'space', provider: 'clip', model: 'model', dimensions: 8, version: '1' };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'image-search-map-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('is read from its file after a start, also by two who ask at once', async () => {
  const random = createSeededRandom('map');
  const collection = await new MemoryVectorStore().ensureSpace(space as never);
  await collection.upsert(
    Array.from({ length: 40 }, (_, index) => ({
      fileId: index + 1,
      vector: randomUnitVector(random, 8),
      payload: { contentHash: String(index) } as never,
    })),
  );
  const open = () =>
    new LibraryMap({
      openCollection: () => Promise.resolve(collection),
      database: () => Promise.resolve({ id: 'database', name: 'test' } as never),
      countIndexedSince: () => Promise.resolve(0),
      file: path.join(folder, 'map.json'),
      logger: createRecordingLogger(),
      clock: systemClock,
    });
  const first = open();
  const made = await pollUntil(
    () => first.read(),
    ({ layout, progress }) => layout !== null && progress === null,
  );
  await first.stop();
  const second = open();
  const readings = await Promise.all([second.read(), second.read()]);
  for (const { layout, progress } of readings) {
    expect(layout).toEqual(made.layout);
    expect(progress).toBeNull();
  }
  await second.stop();
});
