import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { failure, QdrantCollections, type QdrantAnswer } from './qdrant-collections';
import {
  parseQdrantRequest,
  UnknownRequestError,
  type QdrantOperation,
  type QdrantRequest,
} from './qdrant-requests';
import { startStoppableServer } from './stoppable-server';

export interface QdrantServerOptions {
  /** Without it everybody is let in. */
  apiKey?: string;
  /**
   * In front of every path, as a reverse proxy has it: `/qdrant`.
   * @default ''
   */
  pathPrefix?: string;
  /** @default '1.18.2' */
  version?: string;
}

/** What goes wrong with one request. */
export type QdrantFault =
  | { kind: 'answer'; status: number; body: string; headers?: Record<string, string> }
  /** The request is carried out, and its right answer changed. */
  | { kind: 'change'; change: (body: string) => string }
  /** No answer until the client goes away. */
  | { kind: 'hang' }
  /** The connection ends without an answer, once the request is carried out. */
  | { kind: 'cut' }
  /** Half of the right answer, and an end of the connection. */
  | { kind: 'cut-in-body' };

export interface RecordedQdrantRequest {
  operation: QdrantOperation;
  collection: string;
  /** Parsed; null where there is none. */
  body: QdrantRequest['body'];
}

export interface QdrantServer {
  /** With the path prefix, without a slash at its end; the same after `setDown(false)`. */
  readonly url: string;
  /** Those that were taken, in order of arrival. */
  readonly requests: readonly RecordedQdrantRequest[];
  /** What was asked against the documented API; empty when all is well. */
  readonly violations: readonly string[];
  collectionNames(): string[];
  /** The request that this function wants is answered in this way; the last one given comes first. */
  failWhen(isMeant: (request: RecordedQdrantRequest) => boolean, fault: QdrantFault): void;
  /** Ends all of `failWhen`. */
  heal(): void;
  /** Down, nothing listens and connections are cut; up again, the data is as it was. */
  setDown(isDown: boolean): Promise<void>;
  /** Open connections, idle ones included. */
  countConnections(): Promise<number>;
  /** All collections are gone, as after a start on an empty disk. */
  loseData(): void;
  close(): Promise<void>;
}

/**
 * Qdrant on this machine: a real HTTP server with exact search in memory. It takes the documented requests that the
 * product needs and refuses all others, also such as the real server would tolerate.
 */
export async function startQdrantServer(options: QdrantServerOptions = {}): Promise<QdrantServer> {
  const { apiKey, pathPrefix = '', version = '1.18.2' } = options;
  const collections = new QdrantCollections(version);
  const requests: RecordedQdrantRequest[] = [];
  const violations: string[] = [];
  let faults: { isMeant: (request: RecordedQdrantRequest) => boolean; fault: QdrantFault }[] = [];

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(request);
    const address = request.url ?? '';
    if (!address.startsWith(`${pathPrefix}/`)) {
      violations.push(`${address} is not below ${pathPrefix}`);
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>');
      return;
    }
    const path = address.slice(pathPrefix.length);
    if (apiKey !== undefined && request.headers['api-key'] !== apiKey && path !== '/') {
      const isMissing = request.headers['api-key'] === undefined;
      const reason = 'Must provide an API key or an Authorization bearer token';
      response.writeHead(401).end(isMissing ? reason : 'Invalid API key or JWT');
      return;
    }
    const parsed = parseQdrantRequest({
      method: request.method ?? '',
      address: path,
      contentType: request.headers['content-type'],
      body,
    });
    requests.push(parsed);
    const fault = faults.find(({ isMeant }) => isMeant(parsed))?.fault;
    reply({ request, response, fault, answer: () => collections.answer(parsed) });
  }

  const server = await startStoppableServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof UnknownRequestError) violations.push(message);
      send(response, failure(error instanceof UnknownRequestError ? 400 : 500, message));
    });
  });

  return {
    url: server.origin + pathPrefix,
    requests,
    violations,
    collectionNames: () => collections.names(),
    failWhen(isMeant, fault) {
      faults = [{ isMeant, fault }, ...faults];
    },
    heal() {
      faults = [];
    },
    setDown: (isDown) => server.setDown(isDown),
    countConnections: () => server.countConnections(),
    loseData() {
      collections.clear();
    },
    close: () => server.close(),
  };
}

function reply(exchange: {
  request: IncomingMessage;
  response: ServerResponse;
  fault: QdrantFault | undefined;
  answer: () => QdrantAnswer;
}): void {
  const { request, response, fault, answer } = exchange;
  switch (fault?.kind) {
    case undefined:
      send(response, answer());
      return;
    case 'answer':
      response
        .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        .end(fault.body);
      return;
    case 'change':
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(fault.change(JSON.stringify(answer().body)));
      return;
    case 'hang':
      return;
    case 'cut':
      answer();
      request.socket.destroy();
      return;
    case 'cut-in-body': {
      const body = JSON.stringify(answer().body);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(body.slice(0, body.length / 2), () => request.socket.destroy());
    }
  }
}

function send(response: ServerResponse, { status, body }: QdrantAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
