import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A real HTTP server on the loopback interface. */
export interface ByteServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Path and query of every request that arrived. */
  readonly requests: string[];
  /** What is answered to a path. */
  on(path: string, answer: Answer): void;
  close(): Promise<void>;
}

export async function startByteServer(): Promise<ByteServer> {
  const answers = new Map<string, Answer>();
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const address = request.url ?? '';
    requests.push(address);
    const answer = answers.get(address.split('?')[0] ?? '');
    if (answer) answer(request, response);
    else response.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${String(port)}`,
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
