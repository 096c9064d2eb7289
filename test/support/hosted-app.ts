import { rm } from 'node:fs/promises';
import { testKey } from './openai-provider';
import { startJinaServer, type JinaServer } from './jina-server';
import { createLibrary, type Library } from './library';
import { createDataFolder } from './strapi-app';
import { spawnStrapi, type StrapiProcess } from './strapi-process';

/** A Strapi in a process of its own that embeds through a server double. */
export interface HostedApp extends StrapiProcess, Library {
  readonly server: JinaServer;
  /** Pictures that were sent to the server, those that were sent again included. */
  picturesSent(): number;
  /** Requests with pictures. */
  pictureRequests(): number;
  stop(): Promise<void>;
}

/** It writes all that it logs; see `output`. */
export async function startHostedApp(settings: {
  timeoutSeconds?: number;
  batchSize?: number;
  indexing?: Record<string, unknown>;
  budget?: Record<string, unknown>;
}): Promise<HostedApp> {
  const { indexing = {}, budget = {}, ...provider } = settings;
  const model = 'jina-clip-v2';
  const server = await startJinaServer({ apiKey: testKey, model, dimensions: 256 });
  const dataFolder = await createDataFolder();
  const process = await spawnStrapi({
    dataFolder,
    imageSearch: {
      embedding: {
        provider: 'openai',
        baseURL: server.baseURL,
        apiKey: testKey,
        model,
        dimensions: 256,
        ...provider,
      },
      indexing,
      budget,
    },
    env: { LOG_LEVEL: 'debug' },
  });
  return {
    ...process,
    ...createLibrary(process),
    server,
    picturesSent: () => server.picturesSent(),
    pictureRequests: () => server.pictureRequests(),
    async stop() {
      await process.kill('SIGTERM');
      await server.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
