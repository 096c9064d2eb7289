import { QdrantClientResourceExhaustedError } from '@qdrant/js-client-rest';
import { z } from 'zod';
import { ImageSearchError, type ImageSearchErrorOptions } from '../../errors';

const LONGEST_SHOWN_REASON = 200;

/** What Qdrant says when it refuses. A proxy that answers in its place says something else, which is not repeated. */
const refusalSchema = z.object({ status: z.object({ error: z.string() }) });

/** Of the error that the client throws for an answer that is none of success. */
const answerSchema = z.object({ status: z.int(), data: z.unknown() });

/** A request that failed. */
export class QdrantFailure extends ImageSearchError {
  /** Of the answer; null when there was none, or none that could be understood. */
  readonly status: number | null;
  /** What Qdrant itself gave as the reason; empty for none. */
  readonly reason: string;

  constructor(
    options: Omit<ImageSearchErrorOptions, 'code'>,
    answer: { status: number | null; reason: string },
  ) {
    super({ code: 'store-unavailable', ...options });
    this.status = answer.status;
    this.reason = answer.reason;
  }
}

/** Whether Qdrant answers, and does not have the collection. */
export function isMissingCollection(error: unknown): boolean {
  return (
    error instanceof QdrantFailure &&
    error.status === 404 &&
    /collection .*doesn't exist/i.test(error.reason)
  );
}

/** Whether somebody else made the collection first. */
export function isExistingCollection(error: unknown): boolean {
  return (
    error instanceof QdrantFailure &&
    (error.status === 409 || error.status === 400) &&
    /already exists/i.test(error.reason)
  );
}

/** Whether there was no connection, or it ended before the whole answer was there: fetch has a TypeError for both. */
export function isConnectionFailure(error: unknown): boolean {
  return read(error).name === 'TypeError';
}

/** Names what the client threw. `server` says where Qdrant is, without a secret. */
export function toFailure(
  error: unknown,
  { server, timeoutSeconds }: { server: string; timeoutSeconds: number },
): QdrantFailure {
  const answer = answerSchema.safeParse(error);
  if (answer.success) return toRefusal(answer.data, { server, cause: error });
  const base = { retryable: true, cause: error };
  if (error instanceof QdrantClientResourceExhaustedError) {
    const message = `Qdrant at ${server} takes no more requests for now (429).`;
    const retryAfterMs = error.retry_after * 1_000;
    return new QdrantFailure({ ...base, message, retryAfterMs }, { status: 429, reason: '' });
  }
  const message = `Qdrant at ${server} ${describe(error, timeoutSeconds)}`;
  return new QdrantFailure({ ...base, message }, { status: null, reason: '' });
}

/** Of an answer that is no success. */
function toRefusal(
  { status, data }: z.output<typeof answerSchema>,
  { server, cause }: { server: string; cause: unknown },
): QdrantFailure {
  const parsed = refusalSchema.safeParse(data);
  const reason = parsed.success ? parsed.data.status.error.slice(0, LONGEST_SHOWN_REASON) : '';
  const said = `(${String(status)}${reason === '' ? '' : `: ${reason}`})`;
  if (status === 401 || status === 403) {
    const message = `Qdrant at ${server} refuses the request ${said}. Check the setting vectors.apiKey.`;
    return new QdrantFailure({ message, retryable: false, cause }, { status, reason });
  }
  if (status === 404 && reason === '') {
    const message = `What answers at ${server} is no Qdrant (404). Check the setting vectors.url.`;
    return new QdrantFailure({ message, retryable: true, cause }, { status, reason });
  }
  const mayPass = status >= 500 || [404, 408, 409, 425, 429].includes(status);
  const message = `Qdrant at ${server} ${mayPass ? 'failed' : 'refused the request'} ${said}.`;
  return new QdrantFailure({ message, retryable: mayPass, cause }, { status, reason });
}

function describe(error: unknown, timeoutSeconds: number): string {
  const { name = '' } = read(error);
  if (name === 'TimeoutError') {
    return `did not answer within ${String(timeoutSeconds)} s (setting vectors.timeoutSeconds).`;
  }
  if (name === 'SyntaxError' || name === 'ZodError') {
    return 'answered something that is not to be understood. Check the setting vectors.url.';
  }
  const code = codeOf(error);
  return `cannot be reached${code === '' ? '' : ` (${code})`}. Check that it runs, and the setting vectors.url.`;
}

/** Name of the cause, such as `ECONNREFUSED` or `DEPTH_ZERO_SELF_SIGNED_CERT`; fetch wraps it, once or twice. */
function codeOf(error: unknown): string {
  const { code, cause, errors } = read(error);
  if (code !== undefined) return code;
  const inner = cause ?? errors?.[0];
  return inner === undefined ? '' : codeOf(inner);
}

/** Not by class: errors of fetch are none of the Error that a test or a sandbox has. */
const errorSchema = z.object({
  name: z.string().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
  cause: z.unknown().optional(),
  errors: z.array(z.unknown()).optional().catch(undefined),
});

function read(error: unknown): Partial<z.output<typeof errorSchema>> {
  return errorSchema.safeParse(error).data ?? {};
}
