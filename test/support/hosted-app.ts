import { rm } from 'node:fs/promises';
import type { EmbeddingServer } from './embedding-server';
import { startVendorServer } from './hosted-provider';
import { startJinaServer, type JinaServer } from './jina-server';
import { createLibrary, type Library } from './library';
import { ampleQuota, testKey } from './openai-provider';
import { createDataFolder } from './strapi-app';
import { spawnStrapi, type StrapiProcess } from './strapi-process';
import type { Vendor } from './vendors';

/** A Strapi in a separate process that embeds through a server double. */
export interface HostedApp<Server extends EmbeddingServer = EmbeddingServer>
  extends StrapiProcess, Library {
  readonly server: Server;
  /** The folder with its database, vectors and uploads. */
  readonly dataFolder: string;
  /** Images sent to the server, including retries. */
  imagesSent(): number;
  /** Requests with images. */
  imageRequests(): number;
  stop(): Promise<void>;
}

interface OtherSettings {
  indexing?: Record<string, unknown>;
  budget?: Record<string, unknown>;
}

/** With the double of Jina. All of its log is in `output`. */
export async function startHostedApp(
  settings: { timeoutSeconds?: number; batchSize?: number } & OtherSettings,
): Promise<HostedApp<JinaServer>> {
  const { indexing, budget, ...provider } = settings;
  const model = 'jina-clip-v2';
  const server = await startJinaServer({ apiKey: testKey, model, dimensions: 256 });
  const embedding = { provider: 'openai', model, dimensions: 256, ...ampleQuota, ...provider };
  return startOn(server, embedding, { indexing, budget });
}

/** With the double of any vendor, and the settings for it. */
export async function startVendorApp(
  vendor: Vendor,
  settings: OtherSettings & { refusesImage?: (image: Buffer) => Promise<boolean> } = {},
): Promise<HostedApp> {
  const { refusesImage, ...others } = settings;
  const server = await startVendorServer(vendor, refusesImage ? { refusesImage } : {});
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
    imagesSent: () => server.imagesSent(),
    imageRequests: () => server.imageRequests(),
    async stop() {
      await process.kill('SIGTERM');
      await server.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
