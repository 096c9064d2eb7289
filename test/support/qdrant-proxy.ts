import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { request as forward } from 'undici';
import { startStoppableServer, type StoppableServer } from './stoppable-server';

export interface QdrantExchange {
  method: string;
  /** Path and query. */
  address: string;
  /** Empty for none. */
  body: string;
  status: number;
  answer: string;
}

/** What the proxy does to an answer of the real server. */
export type Interference =
  | { kind: 'none' }
  /** The connection ends; the server has carried the request out. */
  | { kind: 'cut' }
  /** Half of the answer arrives. */
  | { kind: 'cut-in-body' }
  /** It never arrives. */
  | { kind: 'hold' }
  | { kind: 'change'; change: (answer: string) => string }
  | { kind: 'status'; status: number };

export interface QdrantProxyOptions {
  /** Origin of the real server. */
  target: string;
  onExchange?: (exchange: QdrantExchange) => void;
}

/** Stands between the product and a real Qdrant. */
export interface QdrantProxy extends StoppableServer {
  /** For the requests from now on. */
  interfere(decide: (exchange: QdrantExchange) => Interference): void;
}

export async function startQdrantProxy(options: QdrantProxyOptions): Promise<QdrantProxy> {
  const { target, onExchange = () => undefined } = options;
  let decide: (exchange: QdrantExchange) => Interference = () => ({ kind: 'none' });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readText(request);
    const method = request.method ?? 'GET';
    const address = request.url ?? '/';
    const { 'api-key': apiKey, 'content-type': contentType } = request.headers;
    const answered = await forward(new URL(address, target), {
      method: method as 'GET',
      ...(body !== '' && { body }),
      headers: {
        ...(apiKey !== undefined && { 'api-key': apiKey }),
        ...(contentType !== undefined && { 'content-type': contentType }),
      },
    });
    const answer = await answered.body.text();
    const exchange = { method, address, body, status: answered.statusCode, answer };
    onExchange(exchange);
    const type = answered.headers['content-type'];
    passOn({ request, response, exchange, type, interference: decide(exchange) });
  }

  const server = await startStoppableServer((request, response) => {
    handle(request, response).catch(() => {
      response.destroy();
    });
  });
  return {
    ...server,
    interfere(decision) {
      decide = decision;
    },
  };
}

function passOn(answered: {
  request: IncomingMessage;
  response: ServerResponse;
  exchange: QdrantExchange;
  type: string | string[] | undefined;
  interference: Interference;
}): void {
  const { request, response, exchange, type, interference } = answered;
  const headers = type === undefined ? {} : { 'content-type': type };
  switch (interference.kind) {
    case 'none':
      response.writeHead(exchange.status, headers).end(exchange.answer);
      return;
    case 'change':
      response.writeHead(exchange.status, headers).end(interference.change(exchange.answer));
      return;
    case 'status':
      response.writeHead(interference.status, headers).end('{}');
      return;
    case 'hold':
      return;
    case 'cut':
      request.socket.destroy();
      return;
    case 'cut-in-body':
      response.writeHead(exchange.status, headers);
      response.write(exchange.answer.slice(0, exchange.answer.length / 2), () =>
        request.socket.destroy(),
      );
  }
}
