import { z } from 'zod';

/** What is kept of an error's body. */
export interface ErrorBody {
  /** The server's own code, such as `AUTH_INVALID_API_KEY`. */
  code: string | undefined;
  /** The server's sentence, as it came. */
  message: string | undefined;
  /** Paths of the fields that the server finds fault with, such as `body -> input -> 0`. */
  fields: string[];
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

/**
 * `{ error: { code, message } }` of OpenAI, `{ code, detail, errors: [{ field }] }` of Jina, `{ detail: [{ loc }] }` of
 * FastAPI. All of it is optional, and what is of another type counts as missing.
 */
const errorBodySchema = z.object({
  error: z.object({ code: text, type: text, message: text }).optional().catch(undefined),
  code: text,
  message: text,
  detail: z.union([z.string(), fieldsSchema]).optional().catch(undefined),
  errors: fieldsSchema,
});

export function readErrorBody(body: unknown): ErrorBody {
  const result = errorBodySchema.safeParse(body);
  if (!result.success) return { code: undefined, message: undefined, fields: [] };
  const { error, code, message, detail, errors } = result.data;
  const sentence = typeof detail === 'string' ? detail : undefined;
  const fields = errors ?? (typeof detail === 'object' ? detail : []);
  return {
    code: error?.code ?? error?.type ?? code,
    message: error?.message ?? message ?? sentence,
    fields: fields.filter((field) => field !== null),
  };
}
