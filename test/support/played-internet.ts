import { afterEach, beforeEach } from '@jest/globals';
import type { GuardedFetch } from '../../plugin/src/network/contract';
import { isPublicAddress, createQueryFetch } from '../../plugin/src/network/guarded-fetch';
import { startByteServer, type ByteServer } from './byte-server';
import { image } from './downloads';

/** The address of this machine that plays one of the public internet. */
export const PUBLIC_ADDRESS = '127.0.0.2';
const PRIVATE_ADDRESS = '127.0.0.1';
const TRIES = 20;

/** An internet of one public server, and a private network behind this process with another one on the same port. */
export interface PlayedInternet {
  /** Answers `image` to `/image`, as the private one does. */
  readonly publicServer: ByteServer;
  readonly privateServer: ByteServer;
  readonly fetch: GuardedFetch;
  /** Names that were looked up, in order. */
  readonly lookups: string[];
  /** What a name's look-ups answer, one after the other; the last one for ever. */
  setName(host: string, ...answers: string[][]): void;
  /** An address of either server under this name. */
  url(host: string, path?: string): string;
}

/** New for every test of the file. */
export function setUpInternet(): PlayedInternet {
  let servers: { publicServer: ByteServer; privateServer: ByteServer } | undefined;
  let fetch: GuardedFetch | undefined;
  let names = new Map<string, string[][]>();
  let lookups: string[] = [];

  function resolve(host: string) {
    lookups.push(host);
    const answers = names.get(host) ?? [];
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    if (addresses.length === 0) return Promise.reject(new Error('There is no such name.'));
    return Promise.resolve(
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }

  beforeEach(async () => {
    names = new Map();
    lookups = [];
    servers = await startBoth();
    for (const server of Object.values(servers)) {
      server.on('/image', (_request, response) => response.end(image));
    }
    fetch = createQueryFetch({
      allowedHosts: [],
      ports: [servers.publicServer.port],
      resolve,
      isPublic: (address) => address === PUBLIC_ADDRESS || isPublicAddress(address),
    });
  });
  afterEach(async () => {
    await fetch?.dispose();
    await servers?.publicServer.close();
    await servers?.privateServer.close();
  });

  const running = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error('No test is running.');
    return part;
  };
  return {
    get publicServer() {
      return running(servers).publicServer;
    },
    get privateServer() {
      return running(servers).privateServer;
    },
    get fetch() {
      return running(fetch);
    },
    get lookups() {
      return lookups;
    },
    setName: (host, ...answers) => void names.set(host, answers),
    url(host, path = '/image') {
      return `http://${host}:${String(running(servers).publicServer.port)}${path}`;
    },
  };
}

/** On one port, which somebody else may have taken on the second address. */
async function startBoth() {
  for (let attempt = 1; ; attempt += 1) {
    const publicServer = await startByteServer({ host: PUBLIC_ADDRESS });
    try {
      const { port } = publicServer;
      return {
        publicServer,
        privateServer: await startByteServer({ host: PRIVATE_ADDRESS, port }),
      };
    } catch (error) {
      await publicServer.close();
      if (attempt === TRIES) throw error;
    }
  }
}
