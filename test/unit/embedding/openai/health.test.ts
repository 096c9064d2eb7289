import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { HostedProvider } from '../../../../plugin/src/embedding/hosted/hosted-provider';
import { startJinaServer, type JinaServer } from '../../../support/jina-server';
import { createTimedProvider, testKey } from '../../../support/openai-provider';

let server: JinaServer;
let provider: HostedProvider;
let now = 0;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
});

beforeEach(() => {
  now = 0;
  const clock = { now: () => now, elapsed: () => now, wait: () => Promise.resolve() };
  provider = createTimedProvider(clock, { baseURL: server.baseURL });
});

afterAll(() => server.close());

/** One that gets a response, and one that the server leaves pending. */
async function startHangingRequest() {
  await provider.embedTexts(['a dog']);
  server.failNext({ kind: 'hang' });
  const before = server.requests.length;
  const caller = new AbortController();
  const asked = provider.embedTexts(['a cat'], { signal: caller.signal });
  await server.arrivalOf(before);
  return {
    /** Number of requests that the server has received. */
    sent: before + 1,
    giveUp: async () => {
      caller.abort();
      await expect(asked).rejects.toMatchObject({ code: 'aborted' });
    },
  };
}

describe('checkHealth', () => {
  it('checks the server once a minute', async () => {
    const before = server.requests.length;
    expect(await provider.checkHealth()).toEqual({
      ok: true,
      message: `${new URL(server.baseURL).host} serves "jina-clip-v2".`,
    });
    now = 59_999;
    await provider.checkHealth();
    expect(server.requests).toHaveLength(before + 1);
    now = 60_000;
    await provider.checkHealth();
    expect(server.requests).toHaveLength(before + 2);
  });

  it('sends nothing right after an embedding', async () => {
    await provider.embedTexts(['a dog']);
    const before = server.requests.length;
    expect(await provider.checkHealth()).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(before);
  });

  it('checks again after a failure, and says what is wrong', async () => {
    await provider.embedTexts(['a dog']);
    server.failNext({ kind: 'status', status: 503 }, { kind: 'status', status: 401 });
    await expect(provider.embedTexts(['a dog'])).rejects.toThrow();
    const health = await provider.checkHealth();
    expect(health.ok).toBe(false);
    expect(health.message).toContain('embedding.apiKey');
    expect(await provider.checkHealth()).toMatchObject({ ok: true });
  });

  it('reports that it was disposed', async () => {
    await provider.checkHealth();
    await provider.dispose();
    expect(await provider.checkHealth()).toMatchObject({ ok: false });
  });
});

describe('a passive check', () => {
  const look = (signal?: AbortSignal) => provider.checkHealth({ canBeCached: true, signal });

  it('checks the server once a minute for all callers, even at the same time', async () => {
    const before = server.requests.length;
    const all = await Promise.all(Array.from({ length: 5 }, () => look()));
    expect(all).toEqual(Array.from({ length: 5 }, () => expect.objectContaining({ ok: true })));
    now = 59_999;
    await look();
    expect(server.requests).toHaveLength(before + 1);
    now = 60_000;
    await look();
    expect(server.requests).toHaveLength(before + 2);
  });

  it('sends nothing while images are being embedded, if the last response was good', async () => {
    const { giveUp, sent } = await startHangingRequest();
    expect(await look()).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(sent);
    await giveUp();
  });

  it('keeps a bad result as long, until another response arrives', async () => {
    server.failNext({ kind: 'status', status: 401 });
    const before = server.requests.length;
    await expect(provider.embedTexts(['a dog'])).rejects.toThrow();
    for (let count = 0; count < 3; count += 1) {
      expect(await look()).toMatchObject({
        ok: false,
        message: expect.stringContaining('embedding.apiKey'),
      });
    }
    expect(server.requests).toHaveLength(before + 1);
    await provider.embedTexts(['a dog']);
    expect(await look()).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(before + 2);
  });

  it('checks a server once that rejects even the test text', async () => {
    server.failNext({ kind: 'status', status: 400 });
    const before = server.requests.length;
    expect(await look()).toMatchObject({ ok: false });
    expect(await look()).toMatchObject({ ok: false });
    expect(server.requests).toHaveLength(before + 1);
  });

  it("waits once for a server that isn't responding", async () => {
    server.failNext({ kind: 'hang' });
    const before = server.requests.length;
    const { host } = new URL(server.baseURL);
    const timeout = new AbortController();
    const asked = look(timeout.signal);
    await server.arrivalOf(before);
    timeout.abort(new DOMException('Too long.', 'TimeoutError'));
    const bad = { ok: false, message: `${host} didn't answer in time.` };
    expect(await asked).toEqual(bad);
    expect(await look()).toEqual(bad);
    expect(server.requests).toHaveLength(before + 1);
  });
});

it('a full check sends a new request after one was aborted', async () => {
  const { giveUp, sent } = await startHangingRequest();
  await giveUp();
  expect(await provider.checkHealth()).toMatchObject({ ok: true });
  expect(server.requests).toHaveLength(sent + 1);
});
