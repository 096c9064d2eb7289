import { afterAll, describe } from '@jest/globals';
import type { EmbeddingServer, Fault } from '../support/embedding-server';
import { openVendor, startVendorServer, vendorConfig } from '../support/hosted-provider';
import { openSampleEmbedder, type SampleEmbedder } from '../support/sample-embedder';
import { vendors, type Vendor } from '../support/vendors';
import {
  describeEmbeddingProvider,
  rejectedText,
  type AnswerFault,
  type OpenedProvider,
} from './embedding-provider';

/** Text and image of every test come after each other, so two faults spoil every vector of a test. */
const CALLS_PER_TEST = 2;

const spoiltVectors: Record<AnswerFault, (vector: number[]) => unknown[]> = {
  'wrong-length': (vector) => vector.slice(0, vector.length / 4),
  'not-finite': (vector) => vector.map(() => null),
  zero: (vector) => vector.map(() => 0),
};

/** One model for the servers of all tests: opening one takes longer than most tests. */
let lent: Promise<SampleEmbedder> | undefined;

function embedder(): Promise<SampleEmbedder> {
  return (lent ??= openSampleEmbedder());
}

afterAll(async () => {
  await (await lent)?.close();
});

async function openOn(vendor: Vendor, server: EmbeddingServer): Promise<OpenedProvider> {
  const provider = await openVendor(vendorConfig(vendor, { baseURL: server.baseURL }));
  return { provider, close: () => server.close() };
}

for (const vendor of vendors) {
  describeEmbeddingProvider(`${vendor.name}, on the server double`, {
    open: async () => openOn(vendor, await startVendorServer(vendor, { embedder })),
    openSpoilt: async (fault) => {
      const server = await startVendorServer(vendor, { embedder });
      const spoil: Fault = { kind: 'vectors', change: spoiltVectors[fault] };
      server.failNext(...Array.from({ length: CALLS_PER_TEST }, () => spoil));
      return openOn(vendor, server);
    },
    openRejecting: async () =>
      openOn(vendor, await startVendorServer(vendor, { embedder, refusedText: rejectedText })),
    openUnavailable: async () => {
      const server = await startVendorServer(vendor);
      await server.close();
      return { ...(await openOn(vendor, server)), close: () => Promise.resolve() };
    },
  });
  describeLive(vendor);
}

/** Against the real service, at its price: some 60 images of 512 px. */
function describeLive(vendor: Vendor): void {
  const { key, address, url, settings, model } = vendor.live;
  const name = `${vendor.name}, on the real service`;
  const baseURL = address === undefined ? url : process.env[address];
  const apiKey = process.env[key] ?? (address?.endsWith('_URL') ? 'none' : '');
  const missing = [
    ...(apiKey === '' ? [key] : []),
    ...(address !== undefined && (baseURL ?? '') === '' ? [address] : []),
  ];
  const open = async (): Promise<OpenedProvider> => ({
    provider: await openVendor(
      vendorConfig(vendor, {
        apiKey,
        ...(baseURL === undefined ? {} : { baseURL }),
        ...settings,
        ...(model && modelFrom(model)),
      }),
    ),
    close: () => Promise.resolve(),
  });
  if (missing.length === 0) describeEmbeddingProvider(name, { open });
  else {
    describe.skip(`embedding provider: ${name} (skipped: no ${missing.join(', no ')})`, () => {
      describeEmbeddingProvider(name, { open });
    });
  }
}

function modelFrom(variables: { name: string; dimensions: string }): Record<string, unknown> {
  const { [variables.name]: model, [variables.dimensions]: dimensions } = process.env;
  return {
    ...(model !== undefined && { model }),
    ...(dimensions !== undefined && { dimensions: Number(dimensions) }),
  };
}
