import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { HostedProvider } from '../../../../plugin/src/embedding/http/hosted-provider';
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
  const clock = { now: () => now, wait: () => Promise.resolve() };
  provider = createTimedProvider(clock, { baseURL: server.baseURL });
});

afterAll(() => server.close());

/** One that is answered, and one that the server has and leaves unanswered. */
async function startHangingRequest() {
  await provider.embedTexts(['a dog']);
  server.failNext({ kind: 'hang' });
  const before = server.requests.length;
  const caller = new AbortController();
  const asked = provider.embedTexts(['a cat'], { signal: caller.signal });
  await server.arrivalOf(before);
  return {
    /** Requests that the server had by now. */
    sent: before + 1,
    giveUp: async () => {
      caller.abort();
      await expect(asked).rejects.toMatchObject({ code: 'aborted' });
    },
  };
}

describe('checkHealth', () => {
  it('asks the server once a minute', async () => {
    const before = server.requests.length;
    expect(await provider.checkHealth()).toEqual({
      ok: true,
      message: `${new URL(server.baseURL).host} answers for "jina-clip-v2".`,
    });
    now = 59_999;
    await provider.checkHealth();
    expect(server.requests).toHaveLength(before + 1);
    now = 60_000;
    await provider.checkHealth();
    expect(server.requests).toHaveLength(before + 2);
  });

  it('asks nothing where an embedding has just told', async () => {
    await provider.embedTexts(['a dog']);
    const before = server.requests.length;
    expect(await provider.checkHealth()).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(before);
  });

  it('asks anew after a failure, and says what is wrong', async () => {
    await provider.embedTexts(['a dog']);
    server.failNext({ kind: 'status', status: 503 }, { kind: 'status', status: 401 });
    await expect(provider.embedTexts(['a dog'])).rejects.toThrow();
    const health = await provider.checkHealth();
    expect(health.ok).toBe(false);
    expect(health.message).toContain('embedding.apiKey');
    expect(await provider.checkHealth()).toMatchObject({ ok: true });
  });

  it('says so when it was disposed', async () => {
    await provider.checkHealth();
    await provider.dispose();
    expect(await provider.checkHealth()).toMatchObject({ ok: false });
  });
});

describe('a look at the health', () => {
  const look = (signal?: AbortSignal) => provider.checkHealth({ isLook: true, signal });

  it('asks the server once a minute for all that look, also at the same time', async () => {
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

  it('asks nothing while pictures are being embedded, as long as the last answer was good', async () => {
    const { giveUp, sent } = await startHangingRequest();
    expect(await look()).toMatchObject({ ok: true });
    expect(server.requests).toHaveLength(sent);
    await giveUp();
  });

  it('believes a bad health as long, until something else was answered', async () => {
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

  it('asks a server once that refuses even the text that asks', async () => {
    server.failNext({ kind: 'status', status: 400 });
    const before = server.requests.length;
    expect(await look()).toMatchObject({ ok: false });
    expect(await look()).toMatchObject({ ok: false });
    expect(server.requests).toHaveLength(before + 1);
  });

  it('waits once for a server that does not answer', async () => {
    server.failNext({ kind: 'hang' });
    const before = server.requests.length;
    const { host } = new URL(server.baseURL);
    const timeout = new AbortController();
    const asked = look(timeout.signal);
    await server.arrivalOf(before);
    timeout.abort(new DOMException('Too long.', 'TimeoutError'));
    const bad = { ok: false, message: `${host} gave no answer in time.` };
    expect(await asked).toEqual(bad);
    expect(await look()).toEqual(bad);
    expect(server.requests).toHaveLength(before + 1);
  });
});

it('a check that is no look asks anew when a request was given up', async () => {
  const { giveUp, sent } = await startHangingRequest();
  await giveUp();
  expect(await provider.checkHealth()).toMatchObject({ ok: true });
  expect(server.requests).toHaveLength(sent + 1);
});
