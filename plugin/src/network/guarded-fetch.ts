import { Resolver, lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Agent, Dispatcher, request } from 'undici';
import { FetchError, type FetchFailure } from '../errors';
import type { GuardedFetch } from './contract';

const MAX_REDIRECTS = 3;
/** Limits how long a connection stays open for the next download, whatever the server offers. */
const MAX_KEEP_ALIVE_MS = 4_000;
/** For one query to one name server. */
const DNS_TIMEOUT_MS = 3_000;
const DNS_TRIES = 2;
/** All that IANA has assigned as public so far; this excludes IPv4 addresses wrapped in other blocks. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');
/** What servers send that don't know the type of a file. */
const GENERIC_TYPES: readonly string[] = ['application/octet-stream', 'binary/octet-stream'];
const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 };

export interface GuardedFetchOptions {
  /** Host names or addresses that may be private, and on any port. */
  allowedHosts: readonly string[];
  /** Ports allowed for all other hosts; by default any. */
  ports?: readonly number[];
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>;
  /** Whether to accept this content type (lower case, without parameters); by default any. */
  acceptsType?: (mediaType: string) => boolean;
  /** Resolves hosts that are not listed. @default systemAddresses */
  resolve?: HostResolver;
  /** @default isPublicAddress */
  isPublic?: (address: string) => boolean;
}

/** Which requests are allowed. */
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
  let client: Promise<Client> | undefined;

  async function follow(
    url: URL,
    signal: AbortSignal,
    redirects: number,
  ): Promise<Dispatcher.ResponseData> {
    rejectUrl(url, guard);
    client ??= createClient(guard);
    const { agent, request } = await client;
    const response = await request(url, { dispatcher: agent, signal, headers });
    const { location } = response.headers;
    const isRedirect = response.statusCode >= 300 && response.statusCode < 400;
    if (!isRedirect || typeof location !== 'string') return response;
    discard(response);
    if (redirects >= MAX_REDIRECTS) {
      throw new FetchError(
        'unreachable',
        `${url.hostname} redirects more than ${String(MAX_REDIRECTS)} times.`,
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
        rejectStatus(response, url);
        rejectType(response, { host: url.hostname, acceptsType });
        return await readBody(response, { maxBytes, host: url.hostname });
      } catch (error) {
        if (error instanceof FetchError) throw error;
        signal?.throwIfAborted();
        if (timeout.aborted) {
          throw new FetchError(
            'unreachable',
            `${url.hostname} didn't send the file within ${String(timeoutMs / 1_000)} s.`,
          );
        }
        throw new FetchError('unreachable', `${url.hostname} couldn't be reached${codeOf(error)}.`);
      }
    },
    async dispose() {
      await (await client)?.agent.destroy();
    },
  };
}

interface Client {
  agent: Agent;
  request: typeof request;
}

/** Its package is loaded with the first request: most projects read their files from disk. */
async function createClient(guard: Guard): Promise<Client> {
  const { Agent, request } = await import('undici');
  const agent = new Agent({
    connect: { lookup: guardedLookup(guard) },
    keepAliveMaxTimeout: MAX_KEEP_ALIVE_MS,
  });
  return { agent, request };
}

/**
 * Creates a fetch for images at untrusted URLs. It sends nothing about this server but its user agent, and it does not
 * decompress responses.
 *
 * @param options.allowedHosts hosts that callers may request even if they are private
 */
export function createQueryFetch(
  options: Pick<GuardedFetchOptions, 'allowedHosts' | 'resolve' | 'isPublic' | 'ports'>,
): GuardedFetch {
  const {
    allowedHosts,
    resolve = createDnsResolver(),
    isPublic,
    ports = Object.values(DEFAULT_PORTS),
  } = options;
  return createGuardedFetch({
    allowedHosts,
    ports,
    resolve,
    ...(isPublic && { isPublic }),
    headers: {
      'user-agent': 'strapi-plugin-image-search',
      accept: 'image/*',
      'accept-encoding': 'identity',
    },
    acceptsType: (mediaType) => mediaType.startsWith('image/') || GENERIC_TYPES.includes(mediaType),
  });
}

function parseUrl(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  throw new FetchError('refused', 'The URL of the file is invalid.');
}

function rejectUrl(url: URL, { allowedHosts, ports, isPublic }: Guard): void {
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) {
    throw new FetchError(
      'refused',
      `Only http and https URLs are supported, not ${url.protocol}//.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new FetchError('refused', "URLs with a user name or password aren't supported.");
  }
  const host = toPlainHost(url.hostname);
  if (allowedHosts.has(host)) return;
  const port = url.port === '' ? defaultPort : Number(url.port);
  if (ports && !ports.includes(port)) {
    throw new FetchError('refused', `Port ${String(port)} of ${host} isn't allowed.`);
  }
  // A literal address never reaches the lookup, so check it here.
  if (isIP(host) !== 0 && !isPublic(host)) throw notPublic(host);
}

/** Lower case; an IPv6 address without its brackets. */
function toPlainHost(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}

function notPublic(host: string): FetchError {
  return new FetchError('refused', `${host} isn't a public internet address.`);
}

/** Checks the very addresses that are connected to, so that a name can't change in between. */
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

function rejectStatus(response: Dispatcher.ResponseData, url: URL): void {
  const { statusCode } = response;
  if (statusCode >= 200 && statusCode < 300) return;
  discard(response);
  throw new FetchError(
    failureOf(statusCode),
    `${url.hostname} responded with status ${String(statusCode)}.`,
  );
}

function failureOf(statusCode: number): FetchFailure {
  if (statusCode === 404 || statusCode === 410) return 'missing';
  return statusCode === 401 || statusCode === 403 ? 'forbidden' : 'unreachable';
}

function rejectType(
  response: Dispatcher.ResponseData,
  { host, acceptsType }: { host: string; acceptsType: (mediaType: string) => boolean },
): void {
  const header = [response.headers['content-type'] ?? []].flat()[0];
  const mediaType = header?.split(';')[0]?.trim().toLowerCase();
  if (mediaType === undefined || mediaType === '' || acceptsType(mediaType)) return;
  discard(response);
  throw new FetchError('wrong-type', `${host} sent an unsupported content type.`);
}

/** Closes an unread body. */
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
      throw new FetchError('too-large', `${host} sent more than ${String(maxBytes)} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The system's error code, such as ECONNREFUSED: not a secret, and the best hint for the operator. */
function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}

export interface HostAddress {
  address: string;
  family: number;
}

/** Resolves a host name to at least one address; rejects when there is none. */
export type HostResolver = (host: string) => Promise<HostAddress[]>;

/** Resolves like every program of this machine: hosts file, search domains, name servers. */
export const systemAddresses: HostResolver = (host) => lookup(host, { all: true });

/**
 * Resolves with the name servers alone. Meant for names from untrusted URLs: the system's lookup blocks one of the few
 * threads that the process has for files and images for as long as an attacker's name server stays silent.
 */
export function createDnsResolver(nameServers?: readonly string[]): HostResolver {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  if (nameServers) resolver.setServers(nameServers);
  return async (host) => {
    const [four, six] = await Promise.allSettled([
      resolver.resolve4(host),
      resolver.resolve6(host),
    ]);
    const addresses = [
      ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
    return addresses;
  };
}

/** Whether an address is on the public internet, not of this machine, a private network or a special purpose. */
export function isPublicAddress(address: string): boolean {
  const parsed = ipaddr.process(address);
  const isKnownBlock = parsed instanceof ipaddr.IPv4 || parsed.match(PUBLIC_IPV6);
  return isKnownBlock && parsed.range() === 'unicast';
}
