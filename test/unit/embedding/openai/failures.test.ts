import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddingProvider } from '../../../../plugin/src/embedding/contract';
import { startJinaServer, type Fault, type JinaServer } from '../../../support/jina-server';
import { openTestProvider, rejectionOf, testKey } from '../../../support/openai-provider';

let server: JinaServer;
let provider: EmbeddingProvider;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
  provider = await openTestProvider({ baseURL: server.baseURL });
});

afterAll(async () => {
  await provider.dispose();
  await server.close();
});

function failWith(fault: Fault) {
  server.failNext(fault);
  return rejectionOf(provider.embedTexts(['a dog']));
}

const status = (code: number, body?: object, headers?: Record<string, string>): Fault => ({
  kind: 'status',
  status: code,
  ...(body === undefined ? {} : { body }),
  ...(headers === undefined ? {} : { headers }),
});

describe('statuses', () => {
  it.each([
    [401, 'provider-unauthorized', false],
    [402, 'provider-unauthorized', false],
    [403, 'provider-unauthorized', false],
    [301, 'provider-model-missing', false],
    [307, 'provider-model-missing', false],
    [404, 'provider-model-missing', false],
    [405, 'provider-model-missing', false],
    [410, 'provider-model-missing', false],
    [400, 'provider-rejected-input', false],
    [413, 'provider-rejected-input', false],
    [415, 'provider-rejected-input', false],
    [422, 'provider-rejected-input', false],
    [408, 'provider-unavailable', true],
    [409, 'provider-unavailable', true],
    [425, 'provider-unavailable', true],
    [429, 'provider-unavailable', true],
    [500, 'provider-unavailable', true],
    [502, 'provider-unavailable', true],
    [503, 'provider-unavailable', true],
    [504, 'provider-unavailable', true],
    [529, 'provider-unavailable', true],
  ])('%i is %s, retryable: %s', async (code, expected, retryable) => {
    const error = await failWith(status(code, {}, { location: 'http://127.0.0.1:1/elsewhere' }));
    expect(error).toMatchObject({ code: expected, retryable });
    expect(error.message).toContain(`status ${String(code)}`);
    expect(error.message).toContain(new URL(server.baseURL).host);
  });

  it('names the setting behind an unauthorized call', async () => {
    const error = await failWith(status(401));
    expect(error.message).toContain('embedding.apiKey');
  });

  it('names the settings behind a missing model', async () => {
    const error = await failWith(status(404));
    expect(error.message).toContain('embedding.model');
    expect(error.message).toContain('embedding.baseURL');
    expect(error.message).toContain('jina-clip-v2');
  });

  it('sends one request, whatever the status: the queue does the retries', async () => {
    const before = server.requests.length;
    await failWith(status(503));
    await failWith(status(429, {}, { 'x-should-retry': 'true' }));
    expect(server.requests).toHaveLength(before + 2);
  });
});

describe('error bodies', () => {
  it.each([
    ['of Jina', { detail: "Model 'x' not found.", code: 'INPUT_MODEL_NOT_FOUND' }],
    ['of OpenAI', { error: { message: 'No such model', code: 'model_not_found', type: 'x' } }],
    [
      'of Infinity, whose model has no images',
      {
        error: {
          message:
            'ModelNotDeployedError: model=`x` does not support `embed` for modality `image`. Reason: none',
          type: null,
          param: null,
          code: 400,
        },
      },
    ],
  ])('distinguish a missing model from invalid input: %s', async (_, body) => {
    const error = await failWith(status(400, body));
    expect(error).toMatchObject({ code: 'provider-model-missing', retryable: false });
  });

  it.each([
    ['of Jina', { detail: 'x', errors: [{ field: 'body -> jina-clip-v2 -> dimensions' }] }],
    ['of FastAPI', { detail: [{ loc: ['body', 'dimensions'], msg: 'too large' }] }],
    [
      'of Infinity',
      {
        error: {
          message:
            "<class 'infinity_emb.primitives.MatryoshkaDimError'> -> matryoshka_dim=4096 is not in a valid range. Select between 1 and 512.",
          type: null,
          param: null,
          code: 400,
        },
      },
    ],
  ])('distinguish rejected settings from invalid input: %s', async (_, body) => {
    const error = await failWith(status(400, body));
    expect(error).toMatchObject({ code: 'provider-model-missing', retryable: false });
    expect(error.message).toContain('embedding.dimensions');
  });

  it.each([
    [
      'of Jina',
      { detail: 'x', errors: [{ field: 'body -> jina-clip-v2 -> input -> 0 -> image' }] },
    ],
    ['of FastAPI', { detail: [{ loc: ['body', 'input', 0], msg: 'broken' }] }],
  ])('blame the input if the server does: %s', async (_, body) => {
    await expect(failWith(status(422, body))).resolves.toMatchObject({
      code: 'provider-rejected-input',
    });
  });

  it('are quoted in part: the code and the start of the message', async () => {
    const detail = `Insufficient balance.\n\u202eTop up. ${'word '.repeat(100)}`;
    const error = await failWith(status(403, { detail, code: 'AUTHZ_INSUFFICIENT_BALANCE' }));
    expect(error.message).toContain('AUTHZ_INSUFFICIENT_BALANCE, Insufficient balance. Top up.');
    expect(error.message.length).toBeLessThan(400);
  });

  it("aren't quoted if they repeat encoded images", async () => {
    const image = Buffer.alloc(300, 7).toString('base64');
    const error = await failWith(status(400, { detail: `Cannot decode '${image}' as image` }));
    expect(error.message).toContain('Cannot decode … as image');
    expect(inspect(error, { depth: 10 })).not.toContain(image.slice(0, 48));
  });

  it.each([[[]], [['x']], [{ detail: 7 }], [{ error: 'text' }], [{ errors: 'text' }]])(
    'of an unknown shape are tolerated: %j',
    async (body) => {
      await expect(failWith(status(400, body))).resolves.toMatchObject({
        code: 'provider-rejected-input',
      });
    },
  );
});

describe('the time to wait', () => {
  it('is taken from the response', async () => {
    const error = await failWith(status(429, {}, { 'retry-after': '7' }));
    expect(error).toMatchObject({ code: 'provider-unavailable', retryAfterMs: 7_000 });
  });

  it('is omitted if the server names none, or if a retry is pointless', async () => {
    expect(await failWith(status(429))).toHaveProperty('retryAfterMs', undefined);
    const refused = await failWith(status(401, {}, { 'retry-after': '7' }));
    expect(refused).toHaveProperty('retryAfterMs', undefined);
  });
});

describe('connections', () => {
  it.each<[string, Fault]>([
    ['reset before an answer', { kind: 'reset' }],
    ['lost within an answer', { kind: 'reset-in-body' }],
  ])('%s', async (_, fault) => {
    const error = await failWith(fault);
    expect(error).toMatchObject({ code: 'provider-unavailable', retryable: true });
    expect(error.message).toContain(new URL(server.baseURL).host);
  });

  it('refused', async () => {
    const gone = await startJinaServer({ apiKey: 'k', model: 'jina-clip-v2', dimensions: 256 });
    await gone.close();
    const unreachable = await openTestProvider({ baseURL: gone.baseURL });
    const error = await rejectionOf(unreachable.embedTexts(['a dog']));
    expect(error).toMatchObject({ code: 'provider-unavailable', retryable: true });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.message).toContain('embedding.baseURL');
  });
});

describe('addresses', () => {
  it.each([
    ['a port that fetch blocks', 'http://127.0.0.1:9', 'bad port'],
    ['an unknown host name', 'http://nobody.invalid', /ENOTFOUND|EAI_AGAIN/],
  ])('of %s are unreachable, with the reason', async (_, baseURL, reason) => {
    const unreachable = await openTestProvider({ baseURL });
    const error = await rejectionOf(unreachable.embedTexts(['a dog']));
    expect(error).toMatchObject({ code: 'provider-unavailable', retryable: true });
    expect(error.message).toMatch(reason);
  });
});

describe('answers', () => {
  const json = 'application/json';
  it.each<[string, string, string]>([
    ['HTML', 'text/html', '<!doctype html><title>Log in</title>'],
    ['nothing', 'text/plain', ''],
    ['HTML that calls itself JSON', json, '<!doctype html><title>Log in</title>'],
    ['half a document', json, '{"data":[{"index":0,"embedding":[0.98765,'],
    ["NaN, which isn't JSON", json, '{"data":[{"index":0,"embedding":[NaN]}]}'],
    ['an error with status 200', json, '{"error":{"message":"overloaded"}}'],
    ['null', json, 'null'],
    ['base64 in place of numbers', json, '{"data":[{"index":0,"embedding":"AAAA"}]}'],
    ['no index', json, '{"data":[{"embedding":[1]}]}'],
    ['a number that overflows', json, '{"data":[{"index":0,"embedding":[1e999]}]}'],
  ])('that are %s', async (_, contentType, body) => {
    const error = await failWith({ kind: 'body', contentType, body });
    expect(error).toMatchObject({ code: 'provider-bad-answer', retryable: true });
    expect(error.message).toContain(new URL(server.baseURL).host);
    expect(inspect(error, { depth: 10 })).not.toMatch(/Log in|AAAA|overloaded|98765/);
  });
});

describe('secrets', () => {
  const faults: [string, Fault][] = [
    ['a rejected key', status(401, { detail: `Invalid key ${testKey}`, code: testKey })],
    ['a bad request', status(400, { error: { message: testKey, code: 'x', type: testKey } })],
    ['a busy server', status(429, { detail: testKey }, { 'x-echo': testKey })],
    ['a lost connection', { kind: 'reset' }],
    ['an unexpected response', { kind: 'body', contentType: 'text/html', body: testKey }],
    ['broken JSON', { kind: 'body', contentType: 'application/json', body: testKey }],
    [
      'fields named so',
      { kind: 'body', contentType: 'application/json', body: `{"${testKey}":1}` },
    ],
  ];

  it.each(faults)('never appear in what a logger prints of %s', async (_, fault) => {
    const error = await failWith(fault);
    const printed = [
      inspect(error, { depth: 10, showHidden: true, getters: true }),
      JSON.stringify(error),
      JSON.stringify(error, Object.getOwnPropertyNames(error)),
      String(error.stack),
      inspect(error.cause, { depth: 10, showHidden: true }),
    ].join('\n');
    expect(printed).not.toContain('SECRET');
    expect(printed).not.toMatch(/bearer|authorization/i);
  });

  it('never appear in what a logger prints of the provider', () => {
    expect(inspect(provider, { depth: 10, showHidden: true })).not.toContain('SECRET');
    expect(JSON.stringify(provider)).not.toContain('SECRET');
  });
});

afterEach(() => {
  // A fault left over from a test would affect the next one.
  expect(server.requests.every(({ path }) => path === '/v1/embeddings')).toBe(true);
});
