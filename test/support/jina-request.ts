import sharp from 'sharp';
import { z } from 'zod';

/**
 * Requests of `POST /v1/embeddings` as the vendor documents them: https://api.jina.ai/openapi.json, schemas
 * ClipV2Request and EmbeddingsV4Request (versions of February and April 2026). Unknown fields are refused there.
 * PDFs and URLs are documented, too, but the double serves neither.
 */
const embeddingType = z.enum(['float', 'base64', 'binary', 'ubinary']);
const textDocument = z.strictObject({ text: z.string() });
const imageDocument = z.strictObject({ image: z.base64().min(1) });
const document = z.union([z.string(), textDocument, imageDocument]);

const sharedFields = {
  input: z.union([document, z.array(document).min(1)]),
  embedding_type: z.union([embeddingType, z.array(embeddingType)]).nullish(),
  truncate: z.boolean().nullish(),
};

const clipRequest = z.strictObject({
  ...sharedFields,
  model: z.literal('jina-clip-v2'),
  normalized: z.boolean().nullish(),
  task: z.literal('retrieval.query').nullish(),
  dimensions: z.int().min(1).max(1_024).nullish(),
});

const omniRequest = z.strictObject({
  ...sharedFields,
  model: z.literal('jina-embeddings-v4'),
  task: z
    .enum(['text-matching', 'retrieval.query', 'retrieval.passage', 'code.query', 'code.passage'])
    .nullish(),
  dimensions: z.int().min(1).max(2_048).nullish(),
  late_chunking: z.boolean().nullish(),
  return_multivector: z.boolean().nullish(),
  return_tokenized_input: z.boolean().nullish(),
});

const requestSchemas = { 'jina-clip-v2': clipRequest, 'jina-embeddings-v4': omniRequest };

export type JinaModel = keyof typeof requestSchemas;

type JinaInput = { text: string } | { image: Buffer };

export interface JinaRequest {
  inputs: JinaInput[];
  dimensions: number | undefined;
}

/** A refusal in the vendor's shapes HTTPValidationError and ErrorResponse. */
export class JinaRefusal extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {
    super(`${String(status)} ${JSON.stringify(body)}`);
  }
}

/** The body of a request, checked against the documented shape of `model`. */
export async function parseJinaRequest(body: unknown, model: JinaModel): Promise<JinaRequest> {
  const named = z.object({ model: z.string() }).safeParse(body);
  if (named.success && named.data.model !== model) {
    const detail = `Model '${named.data.model}' not found. Available models: ${model}.`;
    throw new JinaRefusal(400, { detail, code: 'INPUT_MODEL_NOT_FOUND', request_id: 'r-1' });
  }
  const result = requestSchemas[model].safeParse(body);
  if (!result.success) throw refusalOf(result.error.issues, model);
  const { input, embedding_type: type, dimensions } = result.data;
  if (![undefined, null, 'float'].some((numbers) => numbers === type)) {
    throw refuseField([model, 'embedding_type'], 'The double answers float only');
  }
  const documents = Array.isArray(input) ? input : [input];
  const inputs = await Promise.all(
    documents.map((entry, index) => readDocument(entry, [model, 'input', String(index)])),
  );
  return { inputs, dimensions: dimensions ?? undefined };
}

export function refuseField(path: readonly string[], message: string): JinaRefusal {
  return new JinaRefusal(422, {
    detail: `${message}. Field errors: ${path.join(' -> ')}`,
    errors: [{ field: ['body', ...path].join(' -> '), message, type: 'value_error' }],
  });
}

function refusalOf(issues: readonly z.core.$ZodIssue[], model: JinaModel): JinaRefusal {
  const errors = issues.flatMap((issue) => {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return keys.map((key) => ({
      field: ['body', model, ...issue.path.map(String), ...(key === undefined ? [] : [key])].join(
        ' -> ',
      ),
      message: key === undefined ? issue.message : 'Extra inputs are not permitted',
      type: key === undefined ? issue.code : 'extra_forbidden',
    }));
  });
  const detail = errors.map(({ field, message }) => `${message}: ${field}`).join('; ');
  return new JinaRefusal(422, { detail, errors });
}

const LARGEST_IMAGE = 8_000_000;

async function readDocument(
  entry: z.output<typeof document>,
  path: readonly string[],
): Promise<JinaInput> {
  if (typeof entry === 'string') return { text: entry };
  if ('text' in entry) return entry;
  const image = Buffer.from(entry.image, 'base64');
  if (image.length > LARGEST_IMAGE) throw refuseField(path, 'Image exceeds 8MB');
  try {
    await sharp(image).stats();
  } catch {
    throw refuseField(path, 'Image cannot be decoded');
  }
  return { image };
}
