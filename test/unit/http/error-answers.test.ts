import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../../../plugin/src/errors';
import { errorAnswers } from '../../../server/src/http/error-answers';
import { parseInput } from '../../../server/src/http/parse-input';
import { OutageLog } from '../../../plugin/src/logger';
import { failure } from '../../support/failures';
import { createRecordingLogger } from '../../support/recording-logger';

const SECRET = 'https://embedding.internal says: the account of Ada is empty';

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: { error: { name: string; message: string; details: { code: ErrorCode } } };
}

/** The response when a handler fails with this error. */
async function answerTo(
  fail: () => unknown,
  {
    isForOperators = false,
    logger = createRecordingLogger(),
    outages = new OutageLog(logger),
  } = {},
): Promise<Answer> {
  const headers: Record<string, string> = {};
  const set = (name: string, value: string): void => {
    headers[name] = value;
  };
  const context = { method: 'GET', path: '/search', headers, set } as unknown as Context;
  await errorAnswers({ isForOperators, logger, outages })(context, async () => {
    await Promise.resolve();
    fail();
  });
  return context as unknown as Answer;
}

function throwing(code: ErrorCode): () => never {
  return () => {
    throw failure(code, { message: SECRET });
  };
}

const isHidden = (code: ErrorCode, status: number): boolean =>
  status >= 500 || /^(provider|store)-/.test(code);

describe('a failure', () => {
  it.each(errorCodes)('with code %s reveals no internals to the public', async (code) => {
    const { status, body } = await answerTo(throwing(code));
    expect(body.error.details.code).toBe(code);
    expect(body.error.name).toMatch(/^\w+Error$/);
    expect(body.error.message === SECRET).toBe(!isHidden(code, status));
  });

  it.each(errorCodes)('with code %s shows operators everything', async (code) => {
    const { body } = await answerTo(throwing(code), { isForOperators: true });
    expect(body.error.message).toBe(SECRET);
  });

  it.each(errorCodes)('with code %s says when to retry if it is 429 or 503', async (code) => {
    const { status, headers } = await answerTo(throwing(code));
    const isTemporary = status === 429 || status === 503;
    expect(headers['Retry-After']).toEqual(isTemporary ? '15' : undefined);
  });

  it.each([
    [0, '1'],
    [1_001, '2'],
  ])('that names %i ms is to be retried after %s s', async (retryAfterMs, seconds) => {
    const { headers } = await answerTo(() => {
      throw failure('provider-unavailable', { retryAfterMs });
    });
    expect(headers['Retry-After']).toBe(seconds);
  });

  it('of a part that is down is logged once, and again when it changes or after a recovery', async () => {
    const logger = createRecordingLogger();
    const outages = new OutageLog(logger);
    const fail = async (message: string): Promise<unknown> =>
      await answerTo(
        () => {
          throw failure('provider-model-missing', { message });
        },
        { logger, outages },
      );
    for (const message of ['one', 'one', 'two', 'one']) await fail(message);
    expect(logger.at('error')).toEqual(['GET /search: one', 'GET /search: two']);
    outages.recover();
    await fail('one');
    expect(logger.at('error')).toHaveLength(3);
  });

  it("that the provider blames on the input is the caller's, in our words", async () => {
    const logger = createRecordingLogger();
    const { status, body } = await answerTo(throwing('provider-rejected-input'), { logger });
    expect(status).toBe(400);
    expect(body.error.message).toBe("Can't search with this text or image.");
    expect(logger.at('debug')).toEqual([expect.stringContaining(SECRET)]);
  });

  it("of input validation is the caller's", async () => {
    const { status, body } = await answerTo(() => parseInput(z.object({ id: z.number() }), {}));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      message: expect.stringMatching(/^id: /),
      details: { code: 'invalid-input' },
    });
  });

  it('of any other validation is ours', async () => {
    const { status, body } = await answerTo(() => z.object({ row: z.number() }).parse({}));
    expect(status).toBe(500);
    expect(body.error).toMatchObject({
      message: 'Search is unavailable. Try again later.',
      details: { code: 'unexpected' },
    });
  });
});
