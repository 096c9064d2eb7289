import type { Context } from 'koa';
import { z } from 'zod';
import { fileIdSchema } from '../../../plugin/src/contracts/search';
import { isPrototypeKey } from '../../../plugin/src/contracts/values';
import { ImageSearchError } from '../../../plugin/src/errors';

/** Path parameters of routes with a file id. */
export const fileParametersSchema = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d*$/, 'must be the numeric id of a file')
    .transform(Number)
    .pipe(fileIdSchema),
});

/** A body may have thousands of invalid items. */
const MAX_LISTED = 20;
const LONGEST_SHOWN_NAME = 80;

/**
 * Parses what a caller sent. All validation of input goes through here.
 *
 * @throws ImageSearchError `invalid-input` that lists the problems
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const result = schema.safeParse(input, { error: describeDefault });
  if (result.success) return result.data;
  const found = firstByPath(result.error.issues);
  const problems = found.slice(0, MAX_LISTED);
  const unlisted = found.length - problems.length;
  throw inputError(
    [...problems, ...(unlisted > 0 ? [`and ${String(unlisted)} more`] : [])].join('; '),
  );
}

/** A value that breaks several rules has one problem. */
function firstByPath(issues: readonly z.core.$ZodIssue[]): string[] {
  const problems = new Map<string, string>();
  for (const { path, message } of issues) {
    const key = path.map((part) => shorten(String(part))).join('.');
    if (!problems.has(key)) problems.set(key, key === '' ? message : `${key}: ${message}`);
  }
  return [...problems.values()];
}

/** The message of a rule that has none of its own. */
function describeDefault(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${nameOfType(issue.expected)}`;
    case 'too_small':
      return describeLimit('at least', issue.origin, issue.minimum);
    case 'too_big':
      return describeLimit('at most', issue.origin, issue.maximum);
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'unrecognized_keys':
      return `unknown key ${issue.keys.map((key) => `"${shorten(key)}"`).join(', ')}`;
    case 'custom':
    case 'invalid_element':
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_union':
    case 'not_multiple_of':
      return undefined;
  }
}

function describeLimit(bound: string, origin: string, limit: number | bigint): string {
  const plural = Number(limit) === 1 ? '' : 's';
  if (origin === 'string') return `must have ${bound} ${String(limit)} character${plural}`;
  if (origin === 'array') return `must have ${bound} ${String(limit)} item${plural}`;
  return `must be ${bound} ${String(limit)}`;
}

function nameOfType(expected: string): string {
  switch (expected) {
    case 'number':
      return 'a finite number';
    case 'int':
      return 'a whole number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'an object';
    default:
      return `of type ${expected}`;
  }
}

/**
 * The parameters of the query string.
 *
 * @throws ImageSearchError `invalid-input` for one that Strapi's parser would drop in silence
 */
export function readQuery(ctx: Context): Record<string, unknown> {
  refusePrototypeKeys([...new URLSearchParams(ctx.querystring).keys()]);
  return ctx.query;
}

/** @throws ImageSearchError `invalid-input` for a key in bracket notation like `filters[toString]` */
export function refusePrototypeKeys(keys: readonly string[]): void {
  for (const key of keys) {
    const part = key.split(/[[\].]+/).find(isPrototypeKey);
    if (part !== undefined) throw inputError(`${shorten(key)}: "${part}" isn't a valid name.`);
  }
}

/**
 * The fields of a body in JSON or of a form; empty without a body.
 *
 * @throws ImageSearchError `invalid-input` for a body of another content type
 */
export function readBody(ctx: Context): Record<string, unknown> {
  const { body } = ctx.request as { body?: unknown };
  if (typeof body === 'string' || (body === undefined && hasBody(ctx))) {
    const { type } = ctx.request;
    const given = type === '' ? 'is missing' : `"${shorten(type)}" isn't supported`;
    throw inputError(`Content-Type ${given}: send application/json or multipart/form-data.`);
  }
  if (body === undefined) return {};
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw inputError('The body must be a JSON object or multipart/form-data.');
  }
  return body as Record<string, unknown>;
}

function hasBody({ request }: Context): boolean {
  return request.get('Transfer-Encoding') !== '' || Number(request.get('Content-Length')) > 0;
}

/** The start of a long name, for messages. */
export function shorten(name: string): string {
  return name.length > LONGEST_SHOWN_NAME ? `${name.slice(0, LONGEST_SHOWN_NAME)}…` : name;
}

export function inputError(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'invalid-input', message, retryable: false });
}
