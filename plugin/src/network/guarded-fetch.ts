import { isIP, type LookupFunction } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { FetchError, type GuardedFetch } from './contract';
import { isPublicAddress, systemAddresses, type HostResolver } from './host-addresses';

const MOST_REDIRECTS = 3;
/** However long the other side would keep a connection for the next download. */
const KEEP_ALIVE_MS = 4_000;
const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 };

export interface GuardedFetchOptions {
  /** Host names or addresses that are asked wherever they lie, on whichever port. */
  allowedHosts: readonly string[];
  /** Ports on which other hosts are asked; by default all. */
  ports?: readonly number[];
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>;
  /** Whether an answer that says it is of this type (lower case, without parameters) is read; by default all are. */
  acceptsType?: (mediaType: string) => boolean;
  /** Finds the addresses of hosts that are not listed. @default systemAddresses */
  resolve?: HostResolver;
  /** @default isPublicAddress */
  isPublic?: (address: string) => boolean;
}

/** Whom the guard lets through. */
interface Guard {
  allowedHosts: ReadonlySet<string>;
  ports: readonly number[] | undefined;
  resolve: HostResolver;
  isPublic: (address: string) => boolean;
}

export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { ports, headers = {}, acceptsType = () => true } = options;
  const { resolve = systemAddresses, isPublic = isPublicAddress } = options;
  const allowedHosts = new Set(options.allowedHosts.map(toPlainHost));
  const guard: Guard = { allowedHosts, ports, resolve, isPublic };
  const agent = new Agent({
    connect: { lookup: guardedLookup(guard) },
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
  });

  async function follow(
    url: URL,
    signal: AbortSignal,
    redirects: number,
  ): Promise<Dispatcher.ResponseData> {
    refuseUrl(url, guard);
    const response = await request(url, { dispatcher: agent, signal, headers });
    const { location } = response.headers;
    const isRedirect = response.statusCode >= 300 && response.statusCode < 400;
    if (!isRedirect || typeof location !== 'string') return response;
    discard(response);
    if (redirects >= MOST_REDIRECTS) {
      throw new FetchError(
        'unreachable',
        `${url.hostname} redirects more than ${String(MOST_REDIRECTS)} times.`,
      );
    }
    return follow(new URL(location, url), signal, redirects + 1);
  }

  return {
    async fetchBytes(address, { maxBytes, timeoutMs, signal }) {
      const url = parseUrl(address);
      const timeout = AbortSignal.timeout(timeoutMs);
      const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
      try {
        const response = await follow(url, either, 0);
        refuseStatus(response, url);
        refuseType(response, { host: url.hostname, acceptsType });
        return await readBody(response, { maxBytes, host: url.hostname });
      } catch (error) {
        if (error instanceof FetchError) throw error;
        signal?.throwIfAborted();
        if (timeout.aborted) {
          throw new FetchError(
            'unreachable',
            `${url.hostname} did not send the file within ${String(timeoutMs / 1_000)} s.`,
          );
        }
        throw new FetchError(
          'unreachable',
          `${url.hostname} could not be reached${codeOf(error)}.`,
        );
      }
    },
    async dispose() {
      await agent.destroy();
    },
  };
}

function parseUrl(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  throw new FetchError('refused', 'The address of the file is no valid URL.');
}

function refuseUrl(url: URL, { allowedHosts, ports, isPublic }: Guard): void {
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) {
    throw new FetchError(
      'refused',
      `Only http and https addresses are read, not ${url.protocol}//.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new FetchError('refused', 'An address with a user name or a password is not read.');
  }
  const host = toPlainHost(url.hostname);
  if (allowedHosts.has(host)) return;
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (ports && !ports.includes(port)) {
    throw new FetchError('refused', `${host} is not asked on port ${String(port)}.`);
  }
  // DNS is not asked about a literal address, so it is judged here.
  if (isIP(host) !== 0 && !isPublic(host)) throw notPublic(host);
}

/** Lower case, an IPv6 address without its brackets. */
function toPlainHost(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}

function notPublic(host: string): FetchError {
  return new FetchError('refused', `${host} is not an address of the public internet.`);
}

/** What it answers is what is connected to: nobody asks a second time. */
function guardedLookup({ allowedHosts, resolve, isPublic }: Guard): LookupFunction {
  async function findAddresses(host: string) {
    if (allowedHosts.has(host.toLowerCase())) return systemAddresses(host);
    const addresses = await resolve(host);
    if (addresses.every(({ address }) => isPublic(address))) return addresses;
    throw notPublic(host);
  }

  return (host, { all }, callback) => {
    findAddresses(host).then(
      (addresses) => {
        if (all) callback(null, addresses);
        else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      },
      (error: unknown) => {
        callback(error as NodeJS.ErrnoException, []);
      },
    );
  };
}

function refuseStatus(response: Dispatcher.ResponseData, url: URL): void {
  const { statusCode } = response;
  if (statusCode >= 200 && statusCode < 300) return;
  discard(response);
  const failure = statusCode === 404 || statusCode === 410 ? 'missing' : 'unreachable';
  throw new FetchError(failure, `${url.hostname} answered with status ${String(statusCode)}.`);
}

function refuseType(
  response: Dispatcher.ResponseData,
  { host, acceptsType }: { host: string; acceptsType: (mediaType: string) => boolean },
): void {
  const header = [response.headers['content-type'] ?? []].flat()[0];
  const mediaType = header?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === undefined || mediaType === '' || acceptsType(mediaType)) return;
  discard(response);
  throw new FetchError('wrong-type', `${host} sends a type of file that is not read.`);
}

/** Ends a body that nobody wants, however long it would be. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => undefined).destroy();
}

async function readBody(
  response: Dispatcher.ResponseData,
  { maxBytes, host }: { maxBytes: number; host: string },
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      response.body.destroy();
      throw new FetchError('too-large', `${host} sends more than ${String(maxBytes)} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The system's name of a network failure, which is no secret and tells the operator most. */
function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}
