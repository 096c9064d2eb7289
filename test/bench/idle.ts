import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { spawnStrapi } from '../support/strapi-process';
import { localModelConfig, withDataFolder } from './fixtures';
import { summarize, timed, type Measurement } from './measurement';
import { residentBytes } from './resident-memory';

const RUNS = 5;
/** Threads that nothing is asked of end after half a minute. */
const SETTLE_MS = 40_000;
const MEBIBYTE = 2 ** 20;

const hostedModel = {
  provider: 'openai',
  // Nothing listens there, and an idle server asks nothing.
  baseURL: 'http://127.0.0.1:9/v1',
  apiKey: 'unused',
  model: 'jina-clip-v2',
  dimensions: 1024,
  imageFormat: 'jina',
};

/**
 * What a Strapi with the plugin and nothing to do needs more than one without it: time to boot, and resident memory of
 * all its processes. Booted before, so that its tables are there; side by side, after a rest.
 */
export async function benchIdle(): Promise<Measurement[]> {
  return withDataFolder((local) =>
    withDataFolder((hosted) =>
      withDataFolder(async (without) => {
        const variants = {
          local: { dataFolder: local, imageSearch: { embedding: localModelConfig() } },
          hosted: { dataFolder: hosted, imageSearch: { embedding: hostedModel } },
          off: { dataFolder: without, isPluginEnabled: false },
        };
        for (const variant of Object.values(variants)) await (await boot(variant)).stop();
        const bootTime: number[] = [];
        const localMemory: number[] = [];
        const hostedMemory: number[] = [];
        for (let run = 0; run < RUNS; run += 1) {
          const off = await boot(variants.off);
          const withLocal = await boot(variants.local);
          const withHosted = await boot(variants.hosted);
          await wait(SETTLE_MS);
          const memoryOff = await off.residentBytes();
          bootTime.push((withLocal.bootMs - off.bootMs) / 1_000);
          localMemory.push(((await withLocal.residentBytes()) - memoryOff) / MEBIBYTE);
          hostedMemory.push(((await withHosted.residentBytes()) - memoryOff) / MEBIBYTE);
          for (const strapi of [off, withLocal, withHosted]) await strapi.stop();
        }
        const memoryBar = { kind: 'at most', value: 40 } as const;
        return [
          summarize({
            name: 'boot, local model, plugin on − off',
            unit: 's',
            values: bootTime,
            bar: { kind: 'at most', value: 1 },
          }),
          summarize({
            name: 'memory, local model, idle, plugin on − off',
            unit: 'MiB',
            values: localMemory,
            bar: memoryBar,
          }),
          summarize({
            name: 'memory, hosted provider, idle, plugin on − off',
            unit: 'MiB',
            values: hostedMemory,
            bar: memoryBar,
          }),
        ];
      }),
    ),
  );
}

interface BootedStrapi {
  bootMs: number;
  /** Of all its processes. */
  residentBytes: () => Promise<number>;
  stop: () => Promise<void>;
}

async function boot(settings: Parameters<typeof spawnStrapi>[0]): Promise<BootedStrapi> {
  const { result: strapi, milliseconds } = await timed(() =>
    spawnStrapi({ ...settings, hasExtras: true }),
  );
  return {
    bootMs: milliseconds,
    async residentBytes() {
      const processes = [strapi.child.pid, ...(await childrenOf(strapi.child.pid))];
      const bytes = await Promise.all(processes.map((pid) => residentBytes(pid)));
      return bytes.reduce((sum, each) => sum + each, 0);
    },
    stop: async () => {
      await strapi.kill('SIGTERM');
    },
  };
}

/** Ids of its child processes. Linux only. */
async function childrenOf(pid: number | undefined): Promise<number[]> {
  const tasks = path.join('/proc', String(pid), 'task');
  const children = await Promise.all(
    (await readdir(tasks)).map((task) => readFile(path.join(tasks, task, 'children'), 'utf8')),
  );
  return children.flatMap((ids) => ids.split(' ').filter(Boolean).map(Number));
}
