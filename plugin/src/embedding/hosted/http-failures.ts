import { z } from 'zod';
import { ImageSearchError, toImageSearchError, type ErrorCode } from '../../errors';

/** What an error message names. */
export interface Endpoint {
  /** Host and port of `embedding.baseURL`. */
  host: string;
  model: string;
  /** Only to keep it out of messages. */
  apiKey: string;
  /** The setting that names the model, with `embedding.` before it. */
  modelSetting: string;
  /** The settings that requests depend on, those that name the model included: `embedding.model and …`. */
  requestSettings: string;
}

/**
 * Names whatever a request failed with. Only the status, the code and a short sentence of the original are kept, as
 * the cause: errors of fetch and of HTTP libraries carry headers, requests and whole bodies.
 */
export function toProviderError(error: unknown, endpoint: Endpoint, now: number): ImageSearchError {
  if (error instanceof ImageSearchError) return error;
  if (error instanceof StatusError) return nameStatus(error, endpoint, now);
  if (error instanceof ConnectionError) return nameConnection(error, endpoint);
  // JSON.parse quotes what it can't read, so neither its message nor the error is kept.
  if (hasName(error, 'SyntaxError'))
    return badAnswer(`${endpoint.host} sent invalid JSON. Check embedding.baseURL.`);
  return toImageSearchError(error);
}

export function timedOut(host: string, seconds: number): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: `${host} didn't answer within ${String(seconds)} s (embedding.timeoutSeconds). Raise the limit if the model is slow.`,
    retryable: true,
  });
}

/** Retryable, because servers have glitches; the number of attempts ends it for one that never answers well. */
export function badAnswer(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'provider-bad-answer', message, retryable: true });
}

interface Meaning {
  code: ErrorCode;
  retryable: boolean;
  /** Completes the sentence "{host} …". */
  reason: (endpoint: Endpoint) => string;
  /** What the operator can do, as a sentence; missing where waiting or another image helps. */
  fix?: (endpoint: Endpoint) => string;
}

const unauthorized: Meaning = {
  code: 'provider-unauthorized',
  retryable: false,
  reason: () => 'rejected the key, or its balance is used up',
  fix: () => 'Check embedding.apiKey and the account.',
};
const modelMissing: Meaning = {
  code: 'provider-model-missing',
  retryable: false,
  reason: ({ model }) => `doesn't serve "${model}" at this address`,
  fix: ({ modelSetting }) => `Check ${modelSetting} and embedding.baseURL.`,
};
const settingsRejected: Meaning = {
  code: 'provider-model-missing',
  retryable: false,
  reason: ({ model }) => `rejected the request for "${model}"`,
  fix: ({ requestSettings }) => `Check ${requestSettings}.`,
};
const inputRejected: Meaning = {
  code: 'provider-rejected-input',
  retryable: false,
  reason: () => 'rejected at least one image or text',
};
const unavailable: Meaning = {
  code: 'provider-unavailable',
  retryable: true,
  reason: () => 'is unavailable',
};

const PASSING_STATUSES = new Set([408, 409, 425, 429]);
const WRONG_ADDRESS_STATUSES = new Set([404, 405, 410]);

/** What the inputs of a request are called; `input_type` isn't one. */
const INPUT_FIELD = /\b(inputs?|images?|texts?|messages?|contents?|parts)\b/;
/** Some vendors answer 400 to a wrong key or an unknown model, too. */
const WRONG_KEY = /api_?key_?(invalid|expired|not_?valid)|invalid_?api_?key/i;
const UNKNOWN_MODEL_CODE = /model_?not_?found|invalid_?model/i;
const UNKNOWN_MODEL =
  /\binvalid model\b|\bModelNotDeployed|\bmodel\b.{0,80}\b(not (found|supported|available)|does ?n[o']t exist)/is;
/** Infinity's and vLLM's word for a vector length that the model doesn't offer; they name no field. */
const REJECTED_LENGTH = /matryoshka/i;

function findMeaning({ status, body }: StatusError): Meaning {
  if (status >= 500 || PASSING_STATUSES.has(status)) return unavailable;
  if (status === 401 || status === 402 || status === 403) return unauthorized;
  // Redirects aren't followed: the address isn't the server's.
  if (status < 400 || WRONG_ADDRESS_STATUSES.has(status)) return modelMissing;
  const { code = '', message = '', fields } = body;
  if (WRONG_KEY.test(code)) return unauthorized;
  if (UNKNOWN_MODEL_CODE.test(code) || UNKNOWN_MODEL.test(message)) return modelMissing;
  if (REJECTED_LENGTH.test(message)) return settingsRejected;
  const blamesInput = fields.length === 0 || fields.some((field) => INPUT_FIELD.test(field));
  return blamesInput ? inputRejected : settingsRejected;
}

function nameStatus(error: StatusError, endpoint: Endpoint, now: number): ImageSearchError {
  const { code, reason, retryable, fix } = findMeaning(error);
  const detail = describeStatus(error, endpoint);
  return new ImageSearchError({
    code,
    message: [`${endpoint.host} ${reason(endpoint)} (${detail}).`, fix?.(endpoint)]
      .filter((sentence) => sentence !== undefined)
      .join(' '),
    retryable,
    retryAfterMs: retryable ? findRetryAfter(error, now) : undefined,
    cause: new Error(`HTTP ${detail}`),
  });
}

function findRetryAfter({ headers, body }: StatusError, now: number): number | undefined {
  return parseRetryAfter(headers, now) ?? limitWait(body.retryAfterMs);
}

function describeStatus({ status, body }: StatusError, { apiKey }: Endpoint): string {
  const code = quote(body.code, apiKey);
  const message = quote(body.message, apiKey);
  return [`status ${String(status)}`, code, message].filter((part) => part !== '').join(', ');
}

function nameConnection(error: unknown, { host, apiKey }: Endpoint): ImageSearchError {
  const reason = findSystemCode(error) ?? quote(findFirstCause(error), apiKey);
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: `${host} can't be reached (${reason}). Check embedding.baseURL and the network.`,
    retryable: true,
    cause: new Error(reason),
  });
}

/** The first code along the chain of causes, such as ECONNREFUSED or UND_ERR_SOCKET. */
function findSystemCode(error: unknown): string | undefined {
  if (!(typeof error === 'object' && error !== null)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? findSystemCode(error.cause) : undefined;
}

/** The message of the error at the bottom of the chain, such as `bad port`. */
function findFirstCause(error: unknown): string {
  if (!(typeof error === 'object' && error !== null)) return String(error);
  if ('cause' in error && error.cause !== undefined) return findFirstCause(error.cause);
  return 'message' in error ? String(error.message) : 'no reason given';
}

function hasName(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === name;
}

const LONGEST_QUOTE = 160;
/** Longer runs without a space aren't words: encoded images, vectors, keys. */
const LONG_RUN = /\S{48,}/g;
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** The part of a server's message that may be repeated: its beginning, without the key and without encoded data. */
export function quote(text: string | undefined, apiKey: string): string {
  const line = (text ?? '')
    .replaceAll(apiKey, '…')
    .replace(CONTROL_CHARACTERS, ' ')
    .replace(LONG_RUN, '…')
    .trim()
    .replace(/\.$/, '');
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line;
}

/** An answer with a status other than 200. */
export class StatusError extends Error {
  override readonly name = 'StatusError';

  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly headers: Headers,
  ) {
    super(`Status ${String(status)}`);
  }
}

/** No answer, or the connection broke in the middle of it. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** What is read from the body of an error. */
export interface ErrorBody {
  /** The server's own code, such as `AUTH_INVALID_API_KEY`. */
  code: string | undefined;
  /** The server's message, unchanged. */
  message: string | undefined;
  /** Paths of the fields that the server rejects, such as `body -> input -> 0`. */
  fields: string[];
  /** How long to wait, in milliseconds, if the body says so. */
  retryAfterMs: number | undefined;
}

const text = z.string().optional().catch(undefined);
const fieldSchema = z
  .union([
    z.object({ field: z.string() }).transform(({ field }) => field),
    z
      .object({ loc: z.array(z.union([z.string(), z.number()])) })
      .transform(({ loc }) => loc.join(' -> ')),
  ])
  .nullable()
  .catch(null);
const fieldsSchema = z.array(fieldSchema).optional().catch(undefined);

/** Google's `details`: `{ reason }`, `{ fieldViolations: [{ field }] }` and `{ retryDelay: '23s' }`, one object each. */
const detailSchema = z
  .object({
    reason: text,
    retryDelay: text,
    fieldViolations: z
      .array(z.object({ field: z.string() }))
      .optional()
      .catch(undefined),
  })
  .catch({});
const nestedSchema = z.object({
  code: text,
  type: text,
  status: text,
  message: text,
  param: text,
  innererror: z.object({ code: text }).optional().catch(undefined),
  details: z.array(detailSchema).optional().catch(undefined),
});
const nothing: Partial<z.output<typeof nestedSchema>> = {};

/**
 * `{ error: { code, message, param } }` of OpenAI, vLLM and OpenRouter, with `innererror` of Azure, or `status` and `details` of
 * Google; `{ code, detail, errors: [{ field }] }` of Jina; `{ detail }` of Voyage and `{ detail: [{ loc }] }` of
 * FastAPI; `{ message }` of Cohere. All of it is optional; a value of another type counts as missing.
 */
const errorBodySchema = z.object({
  error: z
    .union([nestedSchema, z.string().transform((message) => ({ ...nothing, message }))])
    .optional()
    .catch(undefined),
  code: text,
  type: text,
  message: text,
  detail: z
    .union([z.string(), z.object({ error: text, message: text }), fieldsSchema])
    .optional()
    .catch(undefined),
  errors: fieldsSchema,
});

/** @param body parsed JSON, or the text of the answer */
export function readErrorBody(body: unknown): ErrorBody {
  const result = errorBodySchema.safeParse(typeof body === 'string' ? parseJson(body) : body);
  if (!result.success) {
    return { code: undefined, message: undefined, fields: [], retryAfterMs: undefined };
  }
  const { error, code, type, message, detail, errors } = result.data;
  const details = error?.details ?? [];
  const reason = details.find((entry) => entry.reason !== undefined)?.reason;
  const violations = details.flatMap(({ fieldViolations = [] }) =>
    fieldViolations.map(({ field }) => field),
  );
  const named = error?.param === undefined ? violations : [error.param];
  const fields = errors ?? (Array.isArray(detail) ? detail : named);
  return {
    code:
      reason ??
      error?.innererror?.code ??
      error?.code ??
      error?.status ??
      error?.type ??
      code ??
      type,
    message: error?.message ?? message ?? sentenceOf(detail),
    fields: fields.filter((field) => field !== null),
    retryAfterMs: parseSeconds(details.find((entry) => entry.retryDelay !== undefined)?.retryDelay),
  };
}

function sentenceOf(detail: z.output<typeof errorBodySchema>['detail']): string | undefined {
  if (typeof detail === 'string') return detail;
  return detail === undefined || Array.isArray(detail)
    ? undefined
    : (detail.error ?? detail.message);
}

/** `23s` or `0.5s`, as Google writes durations. */
function parseSeconds(duration: string | undefined): number | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(duration ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The longest wait that is honored: a wrong clock must not park the queue for days. */
const LONGEST_WAIT_MS = 3_600_000;

/**
 * How long the server asks to wait, in milliseconds: `retry-after-ms` (OpenAI's) before `Retry-After` in seconds or as a
 * date (RFC 9110, section 10.2.3). Between 0 and an hour; undefined if the server names no time.
 */
export function parseRetryAfter(headers: Headers, now: number): number | undefined {
  const waitMs =
    parseNumber(headers.get('retry-after-ms')) ??
    toMilliseconds(parseNumber(headers.get('retry-after'))) ??
    parseDate(headers.get('retry-after'), now);
  return limitWait(waitMs);
}

/** Between 0 and an hour. */
function limitWait(waitMs: number | undefined): number | undefined {
  return waitMs === undefined ? undefined : Math.min(Math.max(0, waitMs), LONGEST_WAIT_MS);
}

function parseNumber(value: string | null): number | undefined {
  return value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
}

function toMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

function parseDate(value: string | null, now: number): number | undefined {
  // Date.parse takes nearly anything; an HTTP date starts with the name of a day.
  if (value === null || !/^\s*[A-Z][a-z]{2}/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time - now;
}
