import { z } from 'zod';

/** What is kept of an error's body. */
export interface ErrorBody {
  /** The server's own code, such as `AUTH_INVALID_API_KEY`. */
  code: string | undefined;
  /** The server's sentence, as it came. */
  message: string | undefined;
  /** Paths of the fields that the server finds fault with, such as `body -> input -> 0`. */
  fields: string[];
  /** How long to wait, in milliseconds, when the body says so. */
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
 * FastAPI; `{ message }` of Cohere. All of it is optional, and what is of another type counts as missing.
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
