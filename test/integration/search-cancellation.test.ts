import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import { adminApi, contentApi } from '../support/search-face';

let app: SearchApp;

beforeAll(async () => {
  app = await startSearchApp({ images: imagesOf(['dog', 'cat']) });
});

afterAll(async () => {
  await app.stop();
});

afterEach(() => {
  jest.restoreAllMocks();
});

interface HeldTexts {
  begun: Promise<void>;
  stopped: Promise<void>;
  release: () => void;
}

/** Keeps the provider from embedding texts until it is told to stop; tells when it begins and when it was stopped. */
async function holdTexts(): Promise<HeldTexts> {
  const { provider } = await productOf(app).spaces.get();
  const embedTexts = provider.embedTexts.bind(provider);
  const events = new EventEmitter();
  const holding: EmbeddingProvider['embedTexts'] = async (texts, { signal } = {}) => {
    if (!signal) throw new Error('A search must be handed a signal.');
    events.emit('begun');
    await once(signal, 'abort');
    events.emit('stopped');
    return await embedTexts(texts, { signal });
  };
  const spy = jest.spyOn(provider, 'embedTexts').mockImplementation(holding);
  return {
    begun: once(events, 'begun').then(() => undefined),
    stopped: once(events, 'stopped').then(() => undefined),
    release: () => {
      spy.mockRestore();
    },
  };
}

describe('a caller that hangs up', () => {
  it.each(['/api/image-search', '/image-search'])(
    'stops its search (%s); others continue, and it is not an error in the log',
    async (prefix) => {
      const logged = jest.spyOn(app.strapi.log, 'error');
      const token = await app.adminToken();
      const { begun, stopped, release } = await holdTexts();
      const request = http.get(
        `${app.url}${prefix}/search?text=something${String(prefix.length)}`,
        {
          headers: prefix.startsWith('/api') ? {} : { Authorization: `Bearer ${token}` },
        },
      );
      request.on('error', () => undefined);
      await begun;
      request.destroy();
      await stopped;
      release();
      expect((await contentApi(app).searchText('a dog')).data).toHaveLength(2);
      expect((await (await adminApi(app)).searchText('a dog')).data).toHaveLength(2);
      expect(logged).not.toHaveBeenCalled();
    },
  );
});

describe('a caller that stays', () => {
  it("isn't mistaken for one that hung up", async () => {
    const pages = await Promise.all(
      Array.from({ length: 20 }, (_value, index) =>
        contentApi(app).searchText(`text ${String(index)}`),
      ),
    );
    expect(pages.map(({ data }) => data.length)).toEqual(pages.map(() => 2));
  });
});
