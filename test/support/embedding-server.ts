import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer as readBytes } from 'node:stream/consumers';
import type { SampleEmbedder } from './sample-embedder';
import {
  VendorRefusal,
  type RecordedRequest,
  type VendorDouble,
  type VendorInput,
} from './vendors/double';

export interface EmbeddingServerOptions<Answer> {
  vendor: VendorDouble<Answer>;
  apiKey: string;
  /** Length of the model's vectors when a request asks for none. */
  dimensions: number;
  /** A text that is refused. */
  refusedText?: string;
  /** Whether an image is refused, and the whole request with it. */
  refusesImage?: (image: Buffer) => Promise<boolean>;
  /** Shared by a caller with several servers, who closes it; by default the server opens its own. */
  embedder?: () => Promise<SampleEmbedder>;
}

/** What goes wrong with one request. */
export type Fault<Answer = unknown> =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: object }
  /** 200 with this body instead of an answer. */
  | { kind: 'body'; contentType: string; body: string }
  /** The right answer, changed. */
  | { kind: 'answer'; change: (answer: Answer) => unknown }
  /** The right answer with every vector changed. */
  | { kind: 'vectors'; change: (vector: number[]) => unknown[] }
  /** No answer until the client goes away. */
  | { kind: 'hang' }
  /** Headers and half an answer until the client goes away. */
  | { kind: 'hang-in-body' }
  | { kind: 'reset' }
  /** Headers, half an answer and an end of the connection. */
  | { kind: 'reset-in-body' };

export interface EmbeddingServer<Answer = unknown> {
  /** Without a slash at its end. */
  baseURL: string;
  requests: readonly RecordedRequest[];
  /** Resolves with the request of this number, counted from 0, as soon as it has arrived. */
  arrivalOf(index: number): Promise<RecordedRequest>;
  /** Faults for the next requests, one each, in this order. */
  failNext(...faults: Fault<Answer>[]): void;
  /** The fault of all further requests without a specific one; undefined for none. */
  failAlways(fault: Fault<Answer> | undefined): void;
  /** Lets so many more requests with images through; the others wait until the function that is answered is called. */
  holdImages(afterRequests: number): () => void;
  /** Images in all requests, including retries. */
  imagesSent(): number;
  /** Requests with images. */
  imageRequests(): number;
  close(): Promise<void>;
}

/**
 * A vendor's embeddings API on this machine: a real HTTP server that takes exactly the documented requests, refuses all
 * others in the documented way, and embeds with a real model (the sample model, 256 dimensions).
 */
export async function startEmbeddingServer<Answer>(
  options: EmbeddingServerOptions<Answer>,
): Promise<EmbeddingServer<Answer>> {
  const { vendor } = options;
  const requests: RecordedRequest[] = [];
  const faults: Fault<Answer>[] = [];
  let lastingFault: Fault<Answer> | undefined;
  let barrier: { admits: number; opened: Promise<void> } | undefined;
  const waiting = new Set<() => void>();
  let embedder: Promise<SampleEmbedder> | undefined;

  const embed: Embed = async (inputs) => {
    if (options.embedder) return (await options.embedder()).embed(inputs);
    // A double that only fails needs no model.
    embedder ??= import('./sample-embedder').then(({ openSampleEmbedder }) => openSampleEmbedder());
    return (await embedder).embed(inputs);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const recorded = await record(request, response, options);
    const fault = faults.shift() ?? lastingFault;
    requests.push(recorded);
    for (const wake of waiting) wake();
    if (barrier && vendor.countImages(recorded) > 0) {
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
    baseURL: `http://127.0.0.1:${String(port)}${vendor.basePath}`,
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
    holdImages: (afterRequests) => {
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
    imagesSent: () => requests.reduce((sum, request) => sum + vendor.countImages(request), 0),
    imageRequests: () => requests.filter((request) => vendor.countImages(request) > 0).length,
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

type Embed = SampleEmbedder['embed'];

async function record<Answer>(
  request: IncomingMessage,
  response: ServerResponse,
  { vendor, apiKey }: EmbeddingServerOptions<Answer>,
): Promise<RecordedRequest> {
  const closed = new Promise<void>((resolve) => {
    response.once('close', resolve);
  });
  const bytes = await readBytes(request);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const { name, prefix } = vendor.keyHeader;
  const sent = headers[name];
  if (sent !== undefined) headers[name] = sent === prefix + apiKey ? `${prefix}<key>` : '<wrong>';
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers,
    body: parseJson(bytes.toString('utf8')),
    bytes,
    closed,
  };
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

interface Exchange<Answer> {
  request: IncomingMessage;
  response: ServerResponse;
  recorded: RecordedRequest;
  fault: Fault<Answer> | undefined;
  options: EmbeddingServerOptions<Answer>;
  embed: Embed;
}

async function answer<Answer>(exchange: Exchange<Answer>): Promise<void> {
  const { request, response, fault } = exchange;
  switch (fault?.kind) {
    case undefined:
    case 'answer':
    case 'vectors':
      return answerWell(exchange);
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

async function answerWell<Answer>({
  response,
  recorded,
  fault,
  options,
  embed,
}: Exchange<Answer>): Promise<void> {
  const { vendor, dimensions: native } = options;
  try {
    checkKey(recorded, vendor);
    const parsed = await vendor.parse(recorded);
    const refused = await findRefused(parsed.inputs, options);
    if (refused >= 0) throw vendor.refuseInput(refused, 'The input is refused');
    const vectors = (await embed(parsed.inputs)).map((vector) =>
      resize(vector, parsed.dimensions ?? native, vendor.vectorLength ?? 1),
    );
    const changed = fault?.kind === 'vectors' ? vectors.map(fault.change) : vectors;
    const body = vendor.answer(changed as number[][], parsed);
    sendJson(response, 200, fault?.kind === 'answer' ? fault.change(body) : body, {
      'x-ratelimit-remaining-requests': '499',
    });
  } catch (error) {
    if (!(error instanceof VendorRefusal)) throw error;
    sendJson(response, error.status, error.body);
  }
}

/** The place of the first input that the vendor will not have; -1 for none. */
async function findRefused<Answer>(
  inputs: readonly VendorInput[],
  { refusedText, refusesImage }: EmbeddingServerOptions<Answer>,
): Promise<number> {
  const refusals = await Promise.all(
    inputs.map(async (input) =>
      'text' in input ? input.text === refusedText : await refusesImage?.(input.image),
    ),
  );
  return refusals.indexOf(true);
}

function checkKey<Answer>({ headers }: RecordedRequest, vendor: VendorDouble<Answer>): void {
  const { name, prefix } = vendor.keyHeader;
  if (headers[name] !== `${prefix}<key>`) throw vendor.refuseKey(headers[name] !== undefined);
}

/**
 * The first values, at the vendor's length again, as models trained for several lengths are cut; for longer ones zeros
 * follow, which changes no angle.
 */
function resize(vector: Float32Array, dimensions: number, length: number): number[] {
  const values = [...vector.slice(0, dimensions)];
  const scale = length / Math.hypot(...values);
  return Array.from({ length: dimensions }, (_, index) => (values[index] ?? 0) * scale);
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
