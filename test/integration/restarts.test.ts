import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { imageSearchOf } from '../../server/src/composition';
import { createLibrary, sampleImage } from '../support/library';
import { createDataFolder, startStrapi } from '../support/strapi-app';

const RESTARTS = 5;

/** What a Strapi that was stopped may leave behind in its process. */
interface Leftovers {
  childProcesses: number;
  threads: number;
  /** Open files in the data folder, such as the vectors. */
  openFiles: string[];
  /** All open files, sockets and pipes. */
  descriptors: number;
  /** Listeners on the process, by event. */
  listeners: Record<string, number>;
  /** What keeps the event loop busy, by type. */
  activeResources: Record<string, number>;
}

// Linux only, as /proc is.
const describeOnLinux = process.platform === 'linux' ? describe : describe.skip;

describeOnLinux('a Strapi that is restarted five times in one process', () => {
  let dataFolder: string;
  afterAll(() => rm(dataFolder, { recursive: true, force: true }));

  it('leaves no process, thread, file, listener or timer behind', async () => {
    dataFolder = await createDataFolder();
    // The first one loads what stays: native modules, their threads, Strapi's own listeners.
    await useOnce(true);
    const before = readLeftovers(dataFolder);
    for (let count = 0; count < RESTARTS; count += 1) {
      await useOnce(count % 2 === 0);
      expectNoMore(readLeftovers(dataFolder), before);
    }
    expect(before.childProcesses).toBe(0);
    expect(before.openFiles).toEqual([]);
  });

  /** Boots, indexes and searches, so that everything which starts on demand has started, and stops. */
  async function useOnce(isUsed: boolean): Promise<void> {
    const app = await startStrapi({ dataFolder });
    if (isUsed) {
      const library = createLibrary(app);
      await library.upload(await sampleImage('dog'));
      await app.waitUntilIndexed();
      expect(await library.findText('a dog')).not.toHaveLength(0);
      expect(childProcesses()).toBe(1);
    } else await imageSearchOf(app.strapi).spaces.get();
    await app.stop();
  }
});

/** Threads and sockets of earlier suites in this process may end meanwhile. */
function expectNoMore(after: Leftovers, before: Leftovers): void {
  expect(after.childProcesses).toBe(before.childProcesses);
  expect(after.openFiles).toEqual(before.openFiles);
  expect(after.listeners).toEqual(before.listeners);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors);
  const grown = Object.entries(after.activeResources).filter(
    ([name, count]) => count > (before.activeResources[name] ?? 0),
  );
  expect(grown).toEqual([]);
}

function readLeftovers(dataFolder: string): Leftovers {
  return {
    childProcesses: childProcesses(),
    threads: readdirSync('/proc/self/task').length,
    openFiles: openFiles().filter((file) => file.startsWith(dataFolder)),
    descriptors: openFiles().length,
    listeners: Object.fromEntries(
      process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    ),
    activeResources: countEach(process.getActiveResourcesInfo()),
  };
}

function childProcesses(): number {
  const own = String(process.pid);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => parentOf(pid) === own).length;
}

/** Null for a process that has ended meanwhile. */
function parentOf(pid: string): string | null {
  try {
    return (
      /^PPid:\s+(\d+)$/m.exec(readFileSync(path.join('/proc', pid, 'status'), 'utf8'))?.[1] ?? null
    );
  } catch {
    return null;
  }
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      return [readlinkSync(path.join('/proc/self/fd', descriptor))];
    } catch {
      // The folder's own, which is closed by now.
      return [];
    }
  });
}

function countEach(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
