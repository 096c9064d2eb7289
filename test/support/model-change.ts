import { cp, rm } from 'node:fs/promises';
import type { SpaceStatus } from '../../plugin/src/contracts/management';
import type { SearchResponse } from '../../plugin/src/contracts/search';
import { startJinaServer, type JinaServer } from './jina-server';
import { createLibrary, sampleImages, type Library } from './library';
import { ampleQuota, testKey } from './openai-provider';
import { pollUntil } from './polling';
import { adminApi, type SearchFace } from './search-face';
import { createDataFolder, startStrapi } from './strapi-app';
import type { IndexStatus, StrapiClient } from './strapi-client';

/** A library that one model has indexed, in a data folder that tests take copies of. */
export interface PreparedLibrary {
  /** In the order of the upload. */
  readonly fileIds: readonly number[];
  /** The space that it is indexed in. */
  readonly spaceId: string;
  /** A new data folder. */
  copy(): Promise<string>;
  remove(): Promise<void>;
}

/** @param embedding settings of the model; the sample model without */
export async function prepareLibrary(
  images: number,
  embedding?: Record<string, unknown>,
): Promise<PreparedLibrary> {
  const dataFolder = await createDataFolder();
  const app = await startStrapi({ dataFolder, ...(embedding && { imageSearch: { embedding } }) });
  try {
    const files = await createLibrary(app).upload(...(await sampleImages(images)));
    const { space } = await app.waitUntilIndexed();
    if (!space) throw new Error('The library is indexed in no space.');
    return {
      fileIds: files.map(({ id }) => id),
      spaceId: space.id,
      async copy() {
        const folder = await createDataFolder();
        await cp(dataFolder, folder, { recursive: true });
        return folder;
      },
      remove: () => rm(dataFolder, { recursive: true, force: true }),
    };
  } finally {
    await app.stop();
  }
}

/** A hosted model, played by a server double, and the settings that name it. */
export interface HostedModel {
  readonly server: JinaServer;
  readonly embedding: Readonly<Record<string, unknown>>;
}

export const BATCH_SIZE = 4;

export async function startHostedModel(apiKey = testKey, dimensions = 128): Promise<HostedModel> {
  const model = 'jina-clip-v2';
  const server = await startJinaServer({ apiKey, model, dimensions: 256 });
  const { baseURL } = server;
  return {
    server,
    embedding: {
      provider: 'openai',
      baseURL,
      apiKey,
      model,
      dimensions,
      ...ampleQuota,
      batchSize: BATCH_SIZE,
      // What a test holds up must not end by itself.
      timeoutSeconds: 300,
    },
  };
}

/** What an operator sees of the spaces of a running Strapi, and what an editor finds. */
export interface ModelChangeClient extends Library {
  readonly face: SearchFace;
  readStatus(): Promise<IndexStatus>;
  /** The first space of this role; rejects when there is none. */
  space(role: SpaceStatus['role']): Promise<SpaceStatus>;
  /** Resolves when there is a space of this role of which all this holds. */
  untilSpace(
    role: SpaceStatus['role'],
    isReached?: (space: SpaceStatus) => boolean,
  ): Promise<SpaceStatus>;
  /** Resolves with the space that answers when the file is found first for this text. */
  untilFound(text: string, fileId: number): Promise<string>;
}

export async function createModelChangeClient(client: StrapiClient): Promise<ModelChangeClient> {
  const face = await adminApi(client);
  const spaceIn = ({ spaces }: IndexStatus, role: SpaceStatus['role']): SpaceStatus | undefined =>
    spaces.find((candidate) => candidate.role === role);
  return {
    ...createLibrary(client),
    face,
    readStatus: () => client.readStatus(),
    async space(role) {
      const status = await client.readStatus();
      const space = spaceIn(status, role);
      if (!space) throw new Error(`No space is ${role}: ${JSON.stringify(status.spaces)}`);
      return space;
    },
    async untilSpace(role, isReached = () => true) {
      const status = await pollUntil(
        () => client.readStatus(),
        (current) => {
          const space = spaceIn(current, role);
          return space !== undefined && isReached(space);
        },
      );
      const space = spaceIn(status, role);
      if (!space) throw new Error(`No space is ${role}.`);
      return space;
    },
    async untilFound(text, fileId) {
      const { spaceId } = await pollUntil(
        async () => {
          const answer = await face.searchText(text);
          return { spaceId: answer.meta.index.space ?? '', hits: hitsOf(answer) };
        },
        ({ hits }) => hits[0]?.fileId === fileId,
      );
      return spaceId;
    },
  };
}

/** Files and scores, best first: what two answers must have in common to be the same. */
export function hitsOf({ data }: SearchResponse): { fileId: number; score: number }[] {
  return data.map(({ file, score }) => ({ fileId: file.id, score: score ?? -1 }));
}
