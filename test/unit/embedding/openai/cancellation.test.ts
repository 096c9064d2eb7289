import { getEventListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startJinaServer, type Fault, type JinaServer } from '../../../support/jina-server';
import { openTestProvider, rejectionOf, testKey } from '../../../support/openai-provider';

let server: JinaServer;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
});

afterAll(() => server.close());

const hangs: [string, Fault][] = [
  ['before the answer', { kind: 'hang' }],
  ['within the answer', { kind: 'hang-in-body' }],
];

describe.each(hangs)('a server that hangs %s', (_, fault) => {
  it('is abandoned after the timeout', async () => {
    const provider = await openTestProvider({ baseURL: server.baseURL, timeoutSeconds: 0.2 });
    const number = server.requests.length;
    server.failNext(fault);
    const error = await rejectionOf(provider.embedTexts(['a dog']));
    expect(error).toMatchObject({ code: 'provider-unavailable', retryable: true });
    expect(error.message).toContain('embedding.timeoutSeconds');
    await (
      await server.arrivalOf(number)
    ).closed;
  });

  it('is abandoned when the caller aborts', async () => {
    const provider = await openTestProvider({ baseURL: server.baseURL });
    const controller = new AbortController();
    const number = server.requests.length;
    server.failNext(fault);
    const rejection = rejectionOf(provider.embedTexts(['a dog'], { signal: controller.signal }));
    const request = await server.arrivalOf(number);
    controller.abort();
    expect(await rejection).toMatchObject({ code: 'aborted', retryable: true });
    await request.closed;
  });

  it('is abandoned when the provider is disposed', async () => {
    const provider = await openTestProvider({ baseURL: server.baseURL });
    const number = server.requests.length;
    server.failNext(fault, fault);
    const rejections = [
      rejectionOf(provider.embedTexts(['a dog'])),
      rejectionOf(provider.embedTexts(['a cat'])),
    ];
    const requests = [await server.arrivalOf(number), await server.arrivalOf(number + 1)];
    await provider.dispose();
    expect((await Promise.all(rejections)).map(({ code }) => code)).toEqual(['aborted', 'aborted']);
    await Promise.all(requests.map(({ closed }) => closed));
  });
});

it('sends no request for a caller that has already aborted', async () => {
  const provider = await openTestProvider({ baseURL: server.baseURL });
  const before = server.requests.length;
  const signal = AbortSignal.abort();
  expect(await rejectionOf(provider.embedTexts(['a dog'], { signal }))).toMatchObject({
    code: 'aborted',
  });
  expect(server.requests).toHaveLength(before);
});

it('sends no request after disposal', async () => {
  const provider = await openTestProvider({ baseURL: server.baseURL });
  const before = server.requests.length;
  await provider.dispose();
  expect(await rejectionOf(provider.embedTexts(['a dog']))).toMatchObject({ code: 'aborted' });
  expect(server.requests).toHaveLength(before);
});

it('removes its listeners from a long-lived signal', async () => {
  const provider = await openTestProvider({ baseURL: server.baseURL });
  const { signal } = new AbortController();
  server.failNext({ kind: 'status', status: 503 }, { kind: 'reset' });
  await rejectionOf(provider.embedTexts(['a dog'], { signal }));
  await rejectionOf(provider.embedTexts(['a dog'], { signal }));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
