import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import S3rver from '@20minutes/s3rver';

export const BUCKET = 'media';

/** An S3 server at a private address, with one private bucket. */
export interface S3Server {
  readonly origin: string;
  /** Method and path of every request, and whether it was signed. */
  readonly requests: { method: string; path: string; isSigned: boolean }[];
  /** Paths that get this status from now on. */
  readonly refused: Map<string, number>;
  close(): Promise<void>;
}

/** The server checks signatures; unsigned requests, which it would accept, get 403 as from a private bucket. */
export async function startS3Server(): Promise<S3Server> {
  const directory = await mkdtemp(path.join(tmpdir(), 'image-search-s3-'));
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    // By path, as MinIO has it.
    vhostBuckets: false,
    configureBuckets: [{ name: BUCKET }],
  });
  const requests: S3Server['requests'] = [];
  const refused: S3Server['refused'] = new Map();
  server.middleware.unshift(async (exchange, next) => {
    const { headers, method, query } = exchange;
    const isSigned = 'x-amz-signature' in lowerCased(query) || 'authorization' in headers;
    requests.push({ method, path: exchange.path, isSigned });
    const status = isSigned ? refused.get(exchange.path) : 403;
    if (status === undefined) return next();
    exchange.status = status;
    exchange.body = 'AccessDenied';
  });
  const { port } = await server.run();
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    requests,
    refused,
    async close() {
      const closed = server.close();
      server.httpServer.closeAllConnections();
      await closed;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function lowerCased(query: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([name, value]): [string, unknown] => [name.toLowerCase(), value]),
  );
}
