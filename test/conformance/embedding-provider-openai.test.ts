import { describe } from '@jest/globals';
import { startJinaServer, type Fault, type JinaServer } from '../support/jina-server';
import { openTestProvider, testKey } from '../support/openai-provider';
import {
  describeEmbeddingProvider,
  rejectedText,
  type AnswerFault,
  type OpenedProvider,
} from './embedding-provider';

/** Text and picture of every test come after each other, so two faults spoil every vector of a test. */
const CALLS_PER_TEST = 2;

const spoiltEmbeddings: Record<AnswerFault, (embedding: number[]) => unknown[]> = {
  'wrong-length': (embedding) => embedding.slice(0, embedding.length / 4),
  'not-finite': (embedding) => embedding.map(() => null),
  zero: (embedding) => embedding.map(() => 0),
};

function spoil(fault: AnswerFault): Fault {
  return {
    kind: 'answer',
    change: (answer) => ({
      ...answer,
      data: answer.data.map((entry) => ({
        ...entry,
        embedding: spoiltEmbeddings[fault](entry.embedding),
      })),
    }),
  };
}

function startServer(refusedText?: string): Promise<JinaServer> {
  return startJinaServer({
    apiKey: testKey,
    model: 'jina-clip-v2',
    dimensions: 256,
    ...(refusedText === undefined ? {} : { refusedText }),
  });
}

async function openOn(server: JinaServer): Promise<OpenedProvider> {
  const provider = await openTestProvider({ baseURL: server.baseURL, batchSize: 4 });
  return { provider, close: () => server.close() };
}

describeEmbeddingProvider('openai, format jina, on the server double', {
  open: async () => openOn(await startServer()),
  openSpoilt: async (fault) => {
    const server = await startServer();
    server.failNext(...Array.from({ length: CALLS_PER_TEST }, () => spoil(fault)));
    return openOn(server);
  },
  openRejecting: async () => openOn(await startServer(rejectedText)),
  openUnavailable: async () => {
    const server = await startServer();
    await server.close();
    return { ...(await openOn(server)), close: () => Promise.resolve() };
  },
});

// Against the real service, at its price: some 60 pictures of 512 px.
const liveKey = process.env.JINA_API_KEY;
const liveName = 'openai, format jina, on api.jina.ai';
if (liveKey === undefined || liveKey === '') {
  describe.skip(`embedding provider: ${liveName} (skipped: no JINA_API_KEY)`, () => {
    describeEmbeddingProvider(liveName, { open: () => openLive('') });
  });
} else {
  describeEmbeddingProvider(liveName, { open: () => openLive(liveKey) });
}

async function openLive(apiKey: string): Promise<OpenedProvider> {
  const provider = await openTestProvider({
    baseURL: 'https://api.jina.ai/v1',
    apiKey,
    dimensions: 512,
  });
  return { provider, close: () => Promise.resolve() };
}
