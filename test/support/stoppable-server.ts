import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real HTTP server on the loopback interface that can go down and come back where it was. */
export interface StoppableServer {
  /** `http://127.0.0.1:<port>`, the same as long as it lives. */
  readonly origin: string;
  /** Down, nothing listens and connections are cut. */
  setDown(isDown: boolean): Promise<void>;
  /** Open connections, idle ones included. */
  countConnections(): Promise<number>;
  close(): Promise<void>;
}

export async function startStoppableServer(listener: RequestListener): Promise<StoppableServer> {
  let server: Server | null = await listen(createServer(listener), 0);
  const { port } = server.address() as AddressInfo;

  async function setDown(isDown: boolean): Promise<void> {
    if (isDown && server !== null) {
      const stopped = server;
      server = null;
      await closeServer(stopped);
    } else if (!isDown && server === null) {
      server = await listen(createServer(listener), port);
    }
  }

  return {
    origin: `http://127.0.0.1:${String(port)}`,
    setDown,
    countConnections: () =>
      new Promise((resolve, reject) => {
        if (server === null) resolve(0);
        else {
          server.getConnections((error, count) => {
            if (error) reject(error);
            else resolve(count);
          });
        }
      }),
    close: () => setDown(true),
  };
}

async function listen(server: Server, port: number): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeAllConnections();
  await closed;
}
