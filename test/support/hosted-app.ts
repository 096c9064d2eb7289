import { rm } from 'node:fs/promises';
import type { EmbeddingServer } from './embedding-server';
import { startVendorServer } from './hosted-provider';
import { startJinaServer, type JinaServer } from './jina-server';
import { createLibrary, type Library } from './library';
import { ampleQuota, testKey } from './openai-provider';
import { createDataFolder } from './strapi-app';
import { spawnStrapi, type StrapiProcess } from './strapi-process';
import type { Vendor } from './vendors';

/** A Strapi in a process of its own that embeds through a server double. */
export interface HostedApp<Server extends EmbeddingServer = EmbeddingServer>
  extends StrapiProcess, Library {
  readonly server: Server;
  /** Where all that it keeps lies: database, vectors, uploads. */
  readonly dataFolder: string;
  /** Pictures that were sent to the server, those that were sent again included. */
  picturesSent(): number;
  /** Requests with pictures. */
  pictureRequests(): number;
  stop(): Promise<void>;
}

interface OtherSettings {
  indexing?: Record<string, unknown>;
  budget?: Record<string, unknown>;
}

/** On the double of Jina. It writes all that it logs; see `output`. */
export async function startHostedApp(
  settings: { timeoutSeconds?: number; batchSize?: number } & OtherSettings,
): Promise<HostedApp<JinaServer>> {
  const { indexing, budget, ...provider } = settings;
  const model = 'jina-clip-v2';
  const server = await startJinaServer({ apiKey: testKey, model, dimensions: 256 });
  const embedding = { provider: 'openai', model, dimensions: 256, ...ampleQuota, ...provider };
  return startOn(server, embedding, { indexing, budget });
}

/** On the double of any vendor, with the settings that belong to it. */
export async function startVendorApp(
  vendor: Vendor,
  settings: OtherSettings & { refusesPicture?: (picture: Buffer) => Promise<boolean> } = {},
): Promise<HostedApp> {
  const { refusesPicture, ...others } = settings;
  const server = await startVendorServer(vendor, refusesPicture ? { refusesPicture } : {});
  return startOn(server, vendor.settings, others);
}

async function startOn<Server extends EmbeddingServer>(
  server: Server,
  embedding: Record<string, unknown>,
  {
    indexing = {},
    budget = {},
  }: { [Name in keyof OtherSettings]: OtherSettings[Name] | undefined },
): Promise<HostedApp<Server>> {
  const dataFolder = await createDataFolder();
  const process = await spawnStrapi({
    dataFolder,
    imageSearch: {
      embedding: { ...embedding, baseURL: server.baseURL, apiKey: testKey },
      indexing,
      budget,
    },
    env: { LOG_LEVEL: 'debug' },
  });
  return {
    ...process,
    ...createLibrary(process),
    server,
    dataFolder,
    picturesSent: () => server.picturesSent(),
    pictureRequests: () => server.pictureRequests(),
    async stop() {
      await process.kill('SIGTERM');
      await server.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
