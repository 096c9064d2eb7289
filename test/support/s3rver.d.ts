/** What the tests use of this package, which has no types. */
declare module '@20minutes/s3rver' {
  import type { Server } from 'node:http';

  interface Exchange {
    method: string;
    path: string;
    query: Record<string, string | string[] | undefined>;
    headers: Record<string, string | string[] | undefined>;
    status: number;
    body: unknown;
  }

  export default class S3rver {
    readonly httpServer: Server;
    readonly middleware: ((exchange: Exchange, next: () => Promise<void>) => unknown)[];
    constructor(options: {
      address: string;
      port: number;
      silent: boolean;
      directory: string;
      vhostBuckets: boolean;
      configureBuckets: { name: string }[];
    });
    run(): Promise<{ port: number }>;
    close(): Promise<void>;
  }
}
