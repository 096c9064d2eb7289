import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, request, type Dispatcher } from 'undici';

const MOST_REDIRECTS = 3;

export type FetchFailure =
  /** Not http(s), no valid URL, or an address that may not be asked. */
  | 'refused'
  /** The other side says that there is nothing. */
  | 'missing'
  | 'too-large'
  /** No answer in time, a broken connection, or an answer that is no success. */
  | 'unreachable';

/** A download that did not work; the message names the host alone, because URLs may be signed. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  constructor(
    readonly failure: FetchFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface FetchOptions {
  maxBytes: number;
  /** For the whole download, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Downloads bytes without becoming a door to the network it runs in: only http and https, only addresses of the
 * public internet unless the host is listed, checked after DNS resolution at the moment of connecting (so that a name
 * cannot change its mind in between) and again on every redirect; with a limit on bytes and on time.
 */
export interface GuardedFetch {
  /** @throws FetchError, or the signal's reason when aborted */
  fetchBytes(url: string, options: FetchOptions): Promise<Uint8Array>;
  dispose(): Promise<void>;
}

export function createGuardedFetch(options: {
  /** Host names or addresses that are asked wherever they lie. */
  allowedHosts: readonly string[];
}): GuardedFetch {
  const allowedHosts = new Set(options.allowedHosts.map(toPlainHost));
  const agent = new Agent({ connect: { lookup: guardedLookup(allowedHosts) } });

  async function follow(
    url: URL,
    signal: AbortSignal,
    redirects: number,
  ): Promise<Dispatcher.ResponseData> {
    refuseUrl(url, allowedHosts);
    const response = await request(url, { dispatcher: agent, signal });
    const { location } = response.headers;
    const isRedirect = response.statusCode >= 300 && response.statusCode < 400;
    if (!isRedirect || typeof location !== 'string') return response;
    await response.body.dump();
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
        await refuseStatus(response, url);
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
      await agent.close();
    },
  };
}

function parseUrl(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  throw new FetchError('refused', 'The address of the file is no valid URL.');
}

function refuseUrl(url: URL, allowedHosts: ReadonlySet<string>): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new FetchError(
      'refused',
      `Only http and https addresses are read, not ${url.protocol}//.`,
    );
  }
  const host = toPlainHost(url.hostname);
  // DNS is not asked about a literal address, so it is judged here.
  if (isIP(host) !== 0 && !allowedHosts.has(host)) refuseAddress(host, host);
}

/** Lower case, an IPv6 address without its brackets. */
function toPlainHost(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}

/** All that IANA has given out as public so far: an IPv4 address wrapped in another block is none. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

function refuseAddress(address: string, host: string): void {
  const parsed = ipaddr.process(address);
  const isKnownBlock = parsed instanceof ipaddr.IPv4 || parsed.match(PUBLIC_IPV6);
  if (isKnownBlock && parsed.range() === 'unicast') return;
  throw new FetchError(
    'refused',
    `${host} is not an address of the public internet (${parsed.range()}).`,
  );
}

function guardedLookup(allowedHosts: ReadonlySet<string>): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }).then(
      (addresses) => {
        try {
          if (!allowedHosts.has(host.toLowerCase())) {
            for (const { address } of addresses) refuseAddress(address, host);
          }
        } catch (error) {
          callback(error as Error, []);
          return;
        }
        if (options.all) callback(null, addresses);
        else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
      },
      (error: unknown) => {
        callback(error as NodeJS.ErrnoException, []);
      },
    );
  };
}

async function refuseStatus(response: Dispatcher.ResponseData, url: URL): Promise<void> {
  const { statusCode } = response;
  if (statusCode >= 200 && statusCode < 300) return;
  await response.body.dump();
  const failure = statusCode === 404 || statusCode === 410 ? 'missing' : 'unreachable';
  throw new FetchError(failure, `${url.hostname} answered with status ${String(statusCode)}.`);
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
