import { connect, createServer, type Server, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatabaseIdentity, VectorStore } from '../../plugin/src/vectors/contract';
import { createPostgresStore } from '../../plugin/src/vectors/postgres';
import { postgresConfigSchema } from '../../plugin/src/vectors/postgres/config';
import {
  Connection,
  noRows,
  type HostDatabase,
  type PostgresSettings,
} from '../../plugin/src/vectors/postgres/connection';
import { repositoryFolder } from './paths';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';

export interface OpenedPostgresStore {
  store: VectorStore;
  logger: RecordingLogger;
  losses: () => number;
  /** How often it was back after an outage. */
  returns: () => number;
}

/** A store in this database. */
export function openPostgresStore(
  hostDatabase: HostDatabase,
  settings: Record<string, unknown> = {},
  database: DatabaseIdentity | null = null,
): OpenedPostgresStore {
  const logger = createRecordingLogger();
  let losses = 0;
  let returns = 0;
  const store = createPostgresStore({
    config: postgresConfigSchema.parse({ store: 'postgres', ...settings }),
    hostDatabase,
    projectFolder: repositoryFolder,
    database: () => Promise.resolve(database),
    logger,
    onLoss: () => {
      losses += 1;
    },
    onBack: () => {
      returns += 1;
    },
  });
  return { store, logger, losses: () => losses, returns: () => returns };
}

/** Runs SQL beside the store. */
export async function runSql(settings: PostgresSettings, text: string): Promise<unknown[]> {
  const connection = new Connection({
    settings,
    projectFolder: repositoryFolder,
    connections: 2,
    timeoutSeconds: 60,
  });
  try {
    return await connection.send(noRows, text);
  } finally {
    await connection.dispose();
  }
}

const SOCKET = '.s.PGSQL.5432';

/** A way to a server on a Unix socket that can be closed, or swallow what is sent. */
export interface PostgresProxy {
  /** For `host`. */
  folder: string;
  setDown(isDown: boolean): Promise<void>;
  /** Whether what is sent stays unanswered. */
  setFrozen(isFrozen: boolean): void;
  close(): Promise<void>;
}

/** @param host folder of the server's socket */
export async function startPostgresProxy(host: string): Promise<PostgresProxy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'image-search-pg-'));
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let server: Server | null = null;

  function accept(client: Socket): void {
    const target = connect(path.join(host, SOCKET));
    for (const socket of [client, target]) {
      sockets.add(socket);
      if (isFrozen) socket.pause();
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        target.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => target.write(chunk));
    target.on('data', (chunk: Buffer) => client.write(chunk));
    if (isFrozen) for (const socket of [client, target]) socket.pause();
  }

  async function setDown(isDown: boolean): Promise<void> {
    const running = server;
    if (isDown && running) {
      server = null;
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => running.close(resolve));
    } else if (!isDown && !running) {
      const started = createServer(accept);
      server = started;
      await new Promise<void>((resolve) => started.listen(path.join(folder, SOCKET), resolve));
    }
  }

  await setDown(false);
  return {
    folder,
    setDown,
    setFrozen(frozen) {
      isFrozen = frozen;
      for (const socket of sockets) {
        if (frozen) socket.pause();
        else socket.resume();
      }
    },
    async close() {
      await setDown(true);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
