import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  createEmbeddedStoreFolder,
  type EmbeddedStoreFolder,
} from '../../../support/embedded-store';
import { repositoryFolder } from '../../../support/paths';

const BATCH = 10;

function startWriter(file: string, batches: number): ChildProcess {
  const script = path.join(repositoryFolder, 'test/support/vector-writer.cjs');
  return spawn(process.execPath, ['--import', 'tsx', script, file, String(batches)], {
    cwd: repositoryFolder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('the end of the process', () => {
  let folder: EmbeddedStoreFolder;
  beforeEach(async () => {
    folder = await createEmbeddedStoreFolder();
  });
  afterEach(() => folder.destroy());

  it('by kill -9 loses nothing that was stored, and leaves no partial call', async () => {
    const writer = startWriter(folder.file, Infinity);
    const end = once(writer, 'exit');
    let acknowledged = 0;
    if (writer.stdout === null) throw new Error('The output of the writer is piped.');
    for await (const line of createInterface(writer.stdout)) {
      acknowledged = Number(line) + 1;
      if (acknowledged >= 40) writer.kill('SIGKILL');
    }
    await expect(end).resolves.toEqual([null, 'SIGKILL']);
    expect(acknowledged).toBeGreaterThanOrEqual(40);

    const store = await folder.open();
    const [space] = await store.listSpaces();
    if (space === undefined) throw new Error('The writer made a collection.');
    const collection = await store.ensureSpace(space);
    const count = await collection.count();
    expect(count).toBeGreaterThanOrEqual(acknowledged * BATCH);
    expect(count % BATCH).toBe(0);
    const { ids } = await collection.listIds(null, count);
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    const [last] = await collection.getMany([acknowledged * BATCH]);
    if (last === undefined) throw new Error('The last acknowledged point is there.');
    const [hit] = await collection.search({ vector: last.vector, limit: 1 });
    expect(hit?.fileId).toBe(last.fileId);
    expect(folder.logger.lines).toEqual([]);
  });

  it("isn't delayed by a store that wasn't disposed", async () => {
    const writer = startWriter(folder.file, 2);
    writer.stdout?.resume();
    await expect(once(writer, 'exit')).resolves.toEqual([0, null]);
    const store = await folder.open();
    const [space] = await store.listSpaces();
    if (space === undefined) throw new Error('The writer made a collection.');
    await expect((await store.ensureSpace(space)).count()).resolves.toBe(2 * BATCH);
  });
});
