import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { startByteServer, type ByteServer } from '../support/byte-server';
import { createDataFolder, startStrapi } from '../support/strapi-app';

const MODEL = 'test/model';

describe('Strapi', () => {
  let hub: ByteServer;
  let dataFolder: string;

  beforeAll(async () => {
    hub = await startByteServer();
    dataFolder = await createDataFolder();
  });
  afterAll(async () => {
    await hub.close();
    await rm(dataFolder, { recursive: true, force: true });
  });

  // Without an end in sight this would run into the time limit of the test.
  it("stops while a model is downloaded from a hub that doesn't respond", async () => {
    const isAsked = new Promise<void>((resolve) => {
      hub.on(`/${MODEL}/resolve/main/config.json`, () => {
        resolve();
      });
    });
    const cacheFolder = path.join(dataFolder, 'models');
    const app = await startStrapi({
      dataFolder,
      env: { HF_ENDPOINT: hub.origin },
      imageSearch: { embedding: { provider: 'clip', model: MODEL, cacheFolder } },
    });
    await isAsked;
    await app.stop();
  });
});
