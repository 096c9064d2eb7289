import path from 'node:path';
import { afterAll, describe, expect } from '@jest/globals';
import type { DatabaseIdentity, VectorStore } from '../../plugin/src/vectors/contract';
import { repositoryFolder } from '../support/paths';
import { type QdrantExchange, startQdrantProxy } from '../support/qdrant-proxy';
import {
  createRecorder,
  readRecording,
  startReplay,
  type QdrantRecording,
} from '../support/qdrant-recording';
import { startQdrantServer } from '../support/qdrant-server';
import {
  deleteCollections,
  findLiveQdrant,
  openQdrantStore,
  uniquePrefix,
  type LiveQdrant,
} from '../support/qdrant-store';
import { describeVectorStore, type VectorStoreHarness } from './vector-store';

const recordingFile = path.join(repositoryFolder, 'test/fixtures/qdrant/conformance.jsonl.gz');
const isRecording = process.env.QDRANT_RECORD === '1';
const live = findLiveQdrant();
/** More than one takes a cluster. */
const copies = Number(process.env.QDRANT_REPLICAS ?? 1);

/** What a store of this suite talks to. */
interface Server {
  url: string;
  apiKey?: string;
  prefix: string;
  setDown(isDown: boolean): Promise<void>;
  /** Fails when the store has asked what it should not. */
  close(): Promise<void>;
}

function createHarness(
  startServer: () => Promise<Server>,
  furtherSettings: Record<string, unknown> = {},
): VectorStoreHarness {
  async function open() {
    const server = await startServer();
    const { url, apiKey, prefix: collectionPrefix } = server;
    const access = { url, ...(apiKey !== undefined && { apiKey }) };
    const settings = { ...access, collectionPrefix, ...furtherSettings };
    let { store } = openQdrantStore(settings);
    const others: VectorStore[] = [];
    return {
      server,
      store,
      openFor(database: DatabaseIdentity) {
        const other = openQdrantStore(settings, database).store;
        others.push(other);
        return Promise.resolve(other);
      },
      async reopen() {
        await store.dispose();
        store = openQdrantStore(settings).store;
        return store;
      },
      async destroy() {
        await Promise.all([store, ...others].map((opened) => opened.dispose()));
        await server.close();
      },
    };
  }
  return {
    create: open,
    createShared: open,
    async createUnreachable() {
      const opened = await open();
      await opened.server.setDown(true);
      return { ...opened, repair: () => opened.server.setDown(false) };
    },
  };
}

async function startDouble(): Promise<Server> {
  const server = await startQdrantServer({ apiKey: 'secret' });
  return {
    url: server.url,
    apiKey: 'secret',
    prefix: 'conformance',
    setDown: (isDown) => server.setDown(isDown),
    async close() {
      await server.close();
      expect(server.violations).toEqual([]);
    },
  };
}

async function startLive(
  { url, ...access }: LiveQdrant,
  { prefix, onExchange }: { prefix: string; onExchange?: (exchange: QdrantExchange) => void },
): Promise<Server> {
  await deleteCollections({ url, ...access }, prefix);
  const proxy = await startQdrantProxy({ target: url, ...(onExchange && { onExchange }) });
  return {
    url: proxy.origin,
    ...access,
    prefix,
    setDown: (isDown) => proxy.setDown(isDown),
    async close() {
      await proxy.close();
      await deleteCollections({ url, ...access }, prefix);
    },
  };
}

/** Name of the test that runs, without that of the suite, which is another when it is recorded. */
function sessionName(suite: string): string {
  const name = expect.getState().currentTestName ?? '';
  return name.replace(`vector store: ${suite} `, '');
}

describeVectorStore('Qdrant, played by a double', createHarness(startDouble));

if (live === null) {
  describe.skip('vector store: a real Qdrant (QDRANT_URL is not set)', () => undefined);
} else if (!isRecording) {
  describeVectorStore(
    'a real Qdrant',
    createHarness(() => startLive(live, { prefix: uniquePrefix() })),
  );
  describeVectorStore(
    'a real Qdrant with all settings',
    createHarness(() => startLive(live, { prefix: uniquePrefix() }), {
      shards: 2,
      replicas: copies,
      writeConsistency: copies,
      quantization: 'scalar',
      onDisk: true,
      hnsw: { m: 32, efConstruct: 200, efSearch: 256 },
    }),
  );
}

if (live !== null && isRecording) {
  const suite = 'a real Qdrant, recorded';
  const recorder = createRecorder();
  afterAll(() => recorder.save(recordingFile));
  describeVectorStore(
    suite,
    createHarness(() => {
      const session = sessionName(suite);
      return startLive(live, {
        prefix: 'conformance',
        onExchange: (exchange) => {
          recorder.add(session, exchange);
        },
      });
    }),
  );
} else {
  const suite = 'Qdrant 1.18.2, replayed';
  let recording: Promise<QdrantRecording> | undefined;
  describeVectorStore(suite, {
    isReplayed: true,
    ...createHarness(async () => {
      recording ??= readRecording(recordingFile);
      const replay = await startReplay((await recording).get(sessionName(suite)) ?? []);
      return {
        url: replay.origin,
        prefix: 'conformance',
        setDown: (isDown) => replay.setDown(isDown),
        async close() {
          await replay.close();
          expect(replay.differences()).toEqual([]);
        },
      };
    }),
  });
}
