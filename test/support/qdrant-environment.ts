import { startQdrantProxy, type Interference } from './qdrant-proxy';
import { startQdrantServer, type QdrantFault } from './qdrant-server';
import { deleteCollections, listCollections, uniquePrefix, type LiveQdrant } from './qdrant-store';

/** What happens to every answer until `disturb` says otherwise. */
export type Disturbance = 'cut' | 'half' | 'silence' | 'garbage' | 'none';

/** A Qdrant, played or real, that a test may do anything to. */
export interface QdrantEnvironment {
  /** For `vectors`, with a short deadline. */
  readonly settings: Record<string, unknown>;
  setDown(isDown: boolean): Promise<void>;
  disturb(disturbance: Disturbance): void;
  collectionNames(): Promise<string[]>;
  /** Deletes all collections behind the product's back. */
  loseCollections(): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_SECONDS = 2;

export async function playQdrant(): Promise<QdrantEnvironment> {
  const server = await startQdrantServer({ apiKey: 'secret' });
  const faults: Record<Exclude<Disturbance, 'none'>, QdrantFault> = {
    cut: { kind: 'cut' },
    half: { kind: 'cut-in-body' },
    silence: { kind: 'hang' },
    garbage: { kind: 'change', change: toGarbage },
  };
  return {
    settings: {
      store: 'qdrant',
      url: server.url,
      apiKey: 'secret',
      timeoutSeconds: TIMEOUT_SECONDS,
    },
    setDown: (isDown) => server.setDown(isDown),
    disturb(disturbance) {
      server.heal();
      if (disturbance !== 'none') server.failWhen(() => true, faults[disturbance]);
    },
    collectionNames: () => Promise.resolve(server.collectionNames()),
    loseCollections() {
      server.loseData();
      return Promise.resolve();
    },
    close: () => server.close(),
  };
}

/** A real one, with a proxy in front of it. */
export async function reachQdrant(live: LiveQdrant): Promise<QdrantEnvironment> {
  const proxy = await startQdrantProxy({ target: live.url });
  const prefix = uniquePrefix();
  const interferences: Record<Disturbance, Interference> = {
    none: { kind: 'none' },
    cut: { kind: 'cut' },
    half: { kind: 'cut-in-body' },
    silence: { kind: 'hold' },
    garbage: { kind: 'change', change: toGarbage },
  };
  return {
    settings: {
      store: 'qdrant',
      url: proxy.origin,
      ...(live.apiKey !== undefined && { apiKey: live.apiKey }),
      collectionPrefix: prefix,
      timeoutSeconds: TIMEOUT_SECONDS,
    },
    setDown: (isDown) => proxy.setDown(isDown),
    disturb(disturbance) {
      proxy.interfere(() => interferences[disturbance]);
    },
    collectionNames: () => listCollections(live, prefix),
    loseCollections: () => deleteCollections(live, prefix),
    async close() {
      await proxy.close();
      await deleteCollections(live, prefix);
    },
  };
}

function toGarbage(answer: string): string {
  return answer.replaceAll(/[:,]/g, '\u0007');
}
