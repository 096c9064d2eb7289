import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { JinaRefusal, parseJinaRequest, refuseField, type JinaModel } from './jina-request';
import type { SampleEmbedder } from './sample-embedder';

export interface JinaServerOptions {
  apiKey: string;
  /** The only model that is served, under its documented name and rules. */
  model: JinaModel;
  /** Length of its vectors when a request asks for none; shorter ones are cut from it (Matryoshka). */
  dimensions: number;
  /** A text that is refused. */
  refusedText?: string;
}

interface JinaAnswer {
  object: 'list';
  model: string;
  usage: { total_tokens: number; prompt_tokens: number };
  data: { object: 'embedding'; index: number; embedding: number[] }[];
}

/** What goes wrong with one request. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: object }
  /** 200 with this body instead of an answer. */
  | { kind: 'body'; contentType: string; body: string }
  /** The right answer, changed. */
  | { kind: 'answer'; change: (answer: JinaAnswer) => unknown }
  /** No answer until the client goes away. */
  | { kind: 'hang' }
  /** Headers and half an answer until the client goes away. */
  | { kind: 'hang-in-body' }
  | { kind: 'reset' }
  /** Headers, half an answer and an end of the connection. */
  | { kind: 'reset-in-body' };

interface RecordedRequest {
  method: string;
  path: string;
  /** The right key is written `<key>`, any other value of `authorization` as `<wrong>`. */
  headers: Record<string, string>;
  /** Parsed JSON. */
  body: unknown;
  /** Settles when the answer was sent or the client has gone. */
  closed: Promise<void>;
}

export interface JinaServer {
  /** Without a slash at its end. */
  baseURL: string;
  requests: readonly RecordedRequest[];
  /** Resolves with the request of this number, counted from 0, as soon as it has arrived. */
  arrivalOf(index: number): Promise<RecordedRequest>;
  /** Faults for the next requests, one each, in this order. */
  failNext(...faults: Fault[]): void;
  /** The fault of every request from now on that has none of its own; undefined ends that. */
  failAlways(fault: Fault | undefined): void;
  /** Lets so many more requests with pictures through; the others wait until the function that is answered is called. */
  holdPictures(afterRequests: number): () => void;
  /** Pictures in all requests, those that were sent again included. */
  picturesSent(): number;
  close(): Promise<void>;
}

/**
 * Jina's embeddings API on this machine: a real HTTP server that takes exactly the documented requests, refuses all
 * others in the documented way, and embeds with a real model (the sample model, 256 dimensions).
 */
export async function startJinaServer(options: JinaServerOptions): Promise<JinaServer> {
  const requests: RecordedRequest[] = [];
  const faults: Fault[] = [];
  let lastingFault: Fault | undefined;
  let barrier: { admits: number; opened: Promise<void> } | undefined;
  const waiting = new Set<() => void>();
  let embedder: Promise<SampleEmbedder> | undefined;

  const embed: Embed = async (inputs) => {
    // A double that only fails needs no model.
    embedder ??= import('./sample-embedder').then(({ openSampleEmbedder }) => openSampleEmbedder());
    return (await embedder).embed(inputs);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const recorded = await record(request, response, options.apiKey);
    const fault = faults.shift() ?? lastingFault;
    requests.push(recorded);
    for (const wake of waiting) wake();
    if (barrier && picturesIn(recorded.body) > 0) {
      barrier.admits -= 1;
      if (barrier.admits < 0) await barrier.opened;
    }
    await answer({ request, response, recorded, fault, options, embed });
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (!response.headersSent) {
        sendJson(response, 500, { detail: String(error), code: 'INTERNAL_ERROR' });
      } else response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    baseURL: `http://127.0.0.1:${String(port)}/v1`,
    requests,
    arrivalOf: (index) =>
      new Promise((resolve) => {
        const check = (): void => {
          const request = requests[index];
          if (request === undefined) return;
          waiting.delete(check);
          resolve(request);
        };
        waiting.add(check);
        check();
      }),
    failNext: (...more) => {
      faults.push(...more);
    },
    failAlways: (fault) => {
      lastingFault = fault;
    },
    holdPictures: (afterRequests) => {
      let open = (): void => undefined;
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      barrier = { admits: afterRequests, opened };
      return () => {
        barrier = undefined;
        open();
      };
    },
    picturesSent: () => requests.reduce((sum, { body }) => sum + picturesIn(body), 0),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      await (await embedder)?.close();
    },
  };
}

/** Pictures in the body of a request. */
export function picturesIn(body: unknown): number {
  const { input } = (body ?? {}) as { input?: unknown };
  if (!Array.isArray(input)) return 0;
  return input.filter((item) => typeof item === 'object' && item !== null && 'image' in item)
    .length;
}

/** Texts in the body of a request. */
export function textsIn(body: unknown): string[] {
  const { input } = (body ?? {}) as { input?: unknown };
  if (!Array.isArray(input)) return [];
  return input.flatMap((item: unknown) => {
    const { text } = (item ?? {}) as { text?: unknown };
    return typeof text === 'string' ? [text] : [];
  });
}

type Embed = SampleEmbedder['embed'];

async function record(
  request: IncomingMessage,
  response: ServerResponse,
  apiKey: string,
): Promise<RecordedRequest> {
  const closed = new Promise<void>((resolve) => {
    response.once('close', resolve);
  });
  const raw = await readText(request);
  const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
  const recorded = {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: parseJson(raw),
    closed,
  };
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    recorded.headers.authorization =
      authorization === `Bearer ${apiKey}` ? 'Bearer <key>' : '<wrong>';
  }
  return recorded;
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  recorded: RecordedRequest;
  fault: Fault | undefined;
  options: JinaServerOptions;
  embed: Embed;
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response, fault } = exchange;
  switch (fault?.kind) {
    case undefined:
      return answerWell(exchange, (body) => body);
    case 'answer':
      return answerWell(exchange, fault.change);
    case 'status':
      sendJson(response, fault.status, fault.body ?? {}, fault.headers);
      return;
    case 'body':
      response.writeHead(200, { 'content-type': fault.contentType }).end(fault.body);
      return;
    case 'hang':
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'hang-in-body':
    case 'reset-in-body':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"object":"list","data":[', () => {
        if (fault.kind === 'reset-in-body') request.socket.destroy();
      });
  }
}

async function answerWell(
  { response, recorded, options, embed }: Exchange,
  change: (answer: JinaAnswer) => unknown,
): Promise<void> {
  try {
    checkEnvelope(recorded);
    const { model, dimensions: native, refusedText } = options;
    const { inputs, dimensions = native } = await parseJinaRequest(recorded.body, model);
    if (dimensions > native) {
      throw refuseField([model, 'dimensions'], `The double has ${String(native)} dimensions`);
    }
    const refused = inputs.findIndex((input) => 'text' in input && input.text === refusedText);
    if (refused >= 0) throw refuseField([model, 'input', String(refused)], 'Text is refused');
    const vectors = await embed(inputs);
    const usage = { total_tokens: inputs.length, prompt_tokens: inputs.length };
    const data = vectors.map((vector, index) => ({
      object: 'embedding' as const,
      index,
      embedding: shorten(vector, dimensions),
    }));
    sendJson(response, 200, change({ object: 'list', model, usage, data }), {
      'x-ratelimit-remaining-requests': '499',
    });
  } catch (error) {
    if (!(error instanceof JinaRefusal)) throw error;
    sendJson(response, error.status, error.body);
  }
}

function checkEnvelope({ method, path, headers }: RecordedRequest): void {
  if (method !== 'POST' || path !== '/v1/embeddings') {
    throw new JinaRefusal(404, { detail: 'Not Found' });
  }
  if (headers.authorization !== 'Bearer <key>') {
    const code =
      headers.authorization === undefined ? 'AUTH_MISSING_API_KEY' : 'AUTH_INVALID_API_KEY';
    throw new JinaRefusal(401, { detail: 'Invalid API key.', code, request_id: 'r-1' });
  }
  if (headers['content-type'] !== 'application/json') {
    throw new JinaRefusal(422, { detail: 'Expected JSON', errors: [] });
  }
}

/** The first values, at unit length again, as models trained for several lengths are cut. */
function shorten(vector: Float32Array, dimensions: number): number[] {
  const values = [...vector.slice(0, dimensions)];
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify(body));
}
