import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HostedProvider } from '../../../../plugin/src/embedding/http/hosted-provider';
import { openaiProvider } from '../../../../plugin/src/embedding/openai';
import { createOpenaiApi } from '../../../../plugin/src/embedding/openai/api';
import { startJinaServer, type JinaServer } from '../../../support/jina-server';
import { testKey } from '../../../support/openai-provider';

let server: JinaServer;
let provider: HostedProvider;
let now = 0;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
});

beforeEach(() => {
  const config = openaiProvider.configSchema.parse({
    provider: 'openai',
    baseURL: server.baseURL,
    apiKey: testKey,
    model: 'jina-clip-v2',
    dimensions: 256,
  });
  now = 0;
  const clock = { now: () => now, wait: () => Promise.resolve() };
  provider = new HostedProvider(createOpenaiApi(config), { clock });
});

afterAll(() => server.close());

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
