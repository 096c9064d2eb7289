import { describe, expect, it } from '@jest/globals';
import type { Context } from 'koa';
import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../../../plugin/src/errors';
import { errorAnswers } from '../../../server/src/http/error-answers';
import { parseInput } from '../../../server/src/http/parse-input';
import { failure } from '../../support/failures';
import { createRecordingLogger } from '../../support/recording-logger';

const SECRET = 'https://embedding.internal says: the account of Ada is empty';

interface Answer {
  status: number;
  body: { error: { name: string; message: string; details: { code: ErrorCode } } };
}

/** What a caller is answered when a handler fails like that. */
async function answerTo(
  fail: () => unknown,
  { tellsOperators = false, logger = createRecordingLogger() } = {},
): Promise<Answer> {
  const context = { method: 'GET', path: '/search', set: () => undefined } as unknown as Context;
  await errorAnswers({ tellsOperators, logger })(context, async () => {
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
  it.each(errorCodes)('named %s tells the public nothing of what is behind', async (code) => {
    const { status, body } = await answerTo(throwing(code));
    expect(body.error.details.code).toBe(code);
    expect(body.error.name).toMatch(/^\w+Error$/);
    expect(body.error.message === SECRET).toBe(!isHidden(code, status));
  });

  it.each(errorCodes)('named %s tells operators all', async (code) => {
    const { body } = await answerTo(throwing(code), { tellsOperators: true });
    expect(body.error.message).toBe(SECRET);
  });

  it('that the provider puts down to the input is the caller’s, in our words', async () => {
    const logger = createRecordingLogger();
    const { status, body } = await answerTo(throwing('provider-rejected-input'), { logger });
    expect(status).toBe(400);
    expect(body.error.message).toBe('The text or picture cannot be searched for.');
    expect(logger.at('debug')).toEqual([expect.stringContaining(SECRET)]);
  });

  it('to hold input against its schema is the caller’s', async () => {
    const { status, body } = await answerTo(() => parseInput(z.object({ id: z.number() }), {}));
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      message: expect.stringMatching(/^id: /),
      details: { code: 'invalid-input' },
    });
  });

  it('to hold anything else against its schema is ours', async () => {
    const { status, body } = await answerTo(() => z.object({ row: z.number() }).parse({}));
    expect(status).toBe(500);
    expect(body.error).toMatchObject({
      message: 'Image search is not available at the moment.',
      details: { code: 'unexpected' },
    });
  });
});
