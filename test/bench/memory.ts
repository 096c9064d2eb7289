import { setTimeout as wait } from 'node:timers/promises';
import { spawnStrapi } from '../support/strapi-process';
import { withDataFolder } from './fixtures';
import { summarize, type Measurement } from './measurement';
import { residentBytes } from './resident-memory';

const RUNS = 3;
const SETTLE_MS = 5_000;
const MEBIBYTE = 2 ** 20;

/** Resident memory of an idle Strapi with the plugin on a hosted provider, above the same Strapi without it. */
export async function benchMemory(): Promise<Measurement[]> {
  const values: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const on = await measureIdle(true);
    const off = await measureIdle(false);
    values.push((on - off) / MEBIBYTE);
  }
  return [
    summarize({
      name: 'memory, hosted provider, idle, plugin on − off',
      unit: 'MiB',
      values,
      bar: { kind: 'at most', value: 40 },
    }),
  ];
}

async function measureIdle(isPluginEnabled: boolean): Promise<number> {
  return withDataFolder(async (dataFolder) => {
    const strapi = await spawnStrapi({
      dataFolder,
      isPluginEnabled,
      imageSearch: {
        embedding: {
          provider: 'openai',
          // Nothing listens there, and an idle server asks nothing.
          baseURL: 'http://127.0.0.1:9/v1',
          apiKey: 'unused',
          model: 'jina-clip-v2',
          dimensions: 1024,
          imageFormat: 'jina',
        },
      },
    });
    try {
      await wait(SETTLE_MS);
      return await residentBytes(strapi.child.pid);
    } finally {
      await strapi.kill('SIGTERM');
    }
  });
}
