import { ImageSearchError, toImageSearchError, type ErrorCode } from '../../errors';
import { quote } from './quotation';
import { limitWait, parseRetryAfter } from './retry-after';
import { ConnectionError, StatusError } from './status-error';

/** What a failure is told about. */
export interface Endpoint {
  /** Host and port of `embedding.baseURL`. */
  host: string;
  model: string;
  /** Only to keep it out of what is said. */
  apiKey: string;
  /** The setting that names the model, with `embedding.` before it. */
  modelSetting: string;
  /** The settings that requests are made from, as words of a sentence, those that name the model among them. */
  requestSettings: string;
}

/**
 * Names whatever a request to the server failed with. Of the original only status, code and a short sentence are
 * kept, as the cause: errors of fetch and of HTTP libraries carry headers, requests and whole bodies.
 */
export function toProviderError(error: unknown, endpoint: Endpoint, now: number): ImageSearchError {
  if (error instanceof ImageSearchError) return error;
  if (error instanceof StatusError) return nameStatus(error, endpoint, now);
  if (error instanceof ConnectionError) return nameConnection(error, endpoint);
  // JSON.parse quotes what it cannot read, so neither its message nor the error is kept.
  if (hasName(error, 'SyntaxError')) return badAnswer(`${endpoint.host} answered broken JSON.`);
  return toImageSearchError(error);
}

export function timedOut(host: string, seconds: number): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-unavailable',
    message: `${host} gave no whole answer within ${String(seconds)} s (embedding.timeoutSeconds).`,
    retryable: true,
  });
}

/** Retryable, for servers have glitches; one that never answers well is given up by the number of tries. */
export function badAnswer(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'provider-bad-answer', message, retryable: true });
}

interface Meaning {
  code: ErrorCode;
  retryable: boolean;
  /** Completes the sentence "{host} …". */
  tell: (endpoint: Endpoint) => string;
}

const unauthorized: Meaning = {
  code: 'provider-unauthorized',
  retryable: false,
  tell: () => 'refused the key or its balance is used up: check embedding.apiKey and the account',
};
const modelMissing: Meaning = {
  code: 'provider-model-missing',
  retryable: false,
  tell: ({ model, modelSetting }) =>
    `does not serve "${model}" there: check ${modelSetting} and embedding.baseURL`,
};
const settingsRefused: Meaning = {
  code: 'provider-model-missing',
  retryable: false,
  tell: ({ model, requestSettings }) =>
    `does not take the request for "${model}": check ${requestSettings}`,
};
const inputRefused: Meaning = {
  code: 'provider-rejected-input',
  retryable: false,
  tell: () => 'refused at least one picture or text',
};
const unavailable: Meaning = {
  code: 'provider-unavailable',
  retryable: true,
  tell: () => 'cannot answer now',
};

const PASSING_STATUSES = new Set([408, 409, 425, 429]);
const WRONG_ADDRESS_STATUSES = new Set([404, 405, 410]);

/** What the inputs of a request are called; `input_type` is none of them. */
const INPUT_FIELD = /\b(inputs?|images?|texts?|messages?|contents?|parts)\b/;
/** 400 is what some vendors answer to a wrong key or an unknown model as well. */
const WRONG_KEY = /api_?key_?(invalid|expired|not_?valid)|invalid_?api_?key/i;
const UNKNOWN_MODEL_CODE = /model_?not_?found|invalid_?model/i;
const UNKNOWN_MODEL =
  /\binvalid model\b|\bModelNotDeployed|\bmodel\b.{0,80}\b(not (found|supported|available)|does ?n[o']t exist)/is;
/** A length of vectors that the model does not offer, as Infinity and vLLM call it; they name no field. */
const REFUSED_LENGTH = /matryoshka/i;

function findMeaning({ status, body }: StatusError): Meaning {
  if (status >= 500 || PASSING_STATUSES.has(status)) return unavailable;
  if (status === 401 || status === 402 || status === 403) return unauthorized;
  // Redirects are not followed: the address is not the server's.
  if (status < 400 || WRONG_ADDRESS_STATUSES.has(status)) return modelMissing;
  const { code = '', message = '', fields } = body;
  if (WRONG_KEY.test(code)) return unauthorized;
  if (UNKNOWN_MODEL_CODE.test(code) || UNKNOWN_MODEL.test(message)) return modelMissing;
  if (REFUSED_LENGTH.test(message)) return settingsRefused;
  const blamesInput = fields.length === 0 || fields.some((field) => INPUT_FIELD.test(field));
  return blamesInput ? inputRefused : settingsRefused;
}

function nameStatus(error: StatusError, endpoint: Endpoint, now: number): ImageSearchError {
  const { code, retryable, tell } = findMeaning(error);
  const detail = describeStatus(error, endpoint);
  return new ImageSearchError({
    code,
    message: `${endpoint.host} ${tell(endpoint)} (${detail}).`,
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
    message: `${host} cannot be reached (${reason}): check embedding.baseURL and the network.`,
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

/** What the error at the bottom of the chain says, such as `bad port`. */
function findFirstCause(error: unknown): string {
  if (!(typeof error === 'object' && error !== null)) return String(error);
  if ('cause' in error && error.cause !== undefined) return findFirstCause(error.cause);
  return 'message' in error ? String(error.message) : 'no reason given';
}

/** By name, for errors may come from another realm than this module's. */
function hasName(error: unknown, name: string): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === name;
}
