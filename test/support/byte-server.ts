import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server on the loopback network. */
export interface ByteServer {
  readonly port: number;
  /** `http://<host>:<port>` */
  readonly origin: string;
  /** Path and query of every request that arrived. */
  readonly requests: string[];
  /** What is answered to a path. */
  on(path: string, answer: Answer): void;
  close(): Promise<void>;
}

/** @param place by default a free port of 127.0.0.1 */
export async function startByteServer({
  host = '127.0.0.1',
  port: wantedPort = 0,
} = {}): Promise<ByteServer> {
  const answers = new Map<string, Answer>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const address = request.url ?? '';
    requests.push(address);
    const answer = answers.get(address.split('?')[0] ?? '');
    if (answer) answer(request, response);
    else response.writeHead(404).end('nothing here');
  });
  server.listen(wantedPort, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://${host}:${String(port)}`,
    requests,
    on: (path, answer) => void answers.set(path, answer),
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
