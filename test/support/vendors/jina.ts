import { z } from 'zod';
import {
  bearerKey,
  checkEnvelope,
  countItems,
  fieldOf,
  isGoodImage,
  listAnswer,
  VendorRefusal,
  type ListAnswer,
  type ParsedRequest,
  type RecordedRequest,
  type VendorDouble,
  type VendorInput,
} from './double';

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

const LARGEST_IMAGE = 8_000_000;

/** Jina's API with one model, whose vectors have at most `native` values. */
export function jinaDouble(model: JinaModel, native: number): VendorDouble<ListAnswer> {
  return {
    basePath: '/v1',
    keyHeader: bearerKey,
    countImages: ({ body }) =>
      countItems(fieldOf(body, 'input'), (item) => fieldOf(item, 'image') !== undefined),
    parse: (request) => parseRequest(request, model, native),
    answer: (vectors) => listAnswer(model, vectors),
    refuseInput: (index, reason) => refuseField([model, 'input', String(index)], reason),
    refuseKey: (wasGiven) =>
      new VendorRefusal(401, {
        detail: 'Invalid API key.',
        code: wasGiven ? 'AUTH_INVALID_API_KEY' : 'AUTH_MISSING_API_KEY',
        request_id: 'r-1',
      }),
  };
}

/** Checked against the documented shape of `model`; refusals have the shapes HTTPValidationError and ErrorResponse. */
async function parseRequest(
  request: RecordedRequest,
  model: JinaModel,
  native: number,
): Promise<ParsedRequest> {
  checkEnvelope(request, { path: '/v1/embeddings', missing: { detail: 'Not Found' } });
  const { body } = request;
  const named = z.object({ model: z.string() }).safeParse(body);
  if (named.success && named.data.model !== model) {
    const detail = `Model '${named.data.model}' not found. Available models: ${model}.`;
    throw new VendorRefusal(400, { detail, code: 'INPUT_MODEL_NOT_FOUND', request_id: 'r-1' });
  }
  const result = requestSchemas[model].safeParse(body);
  if (!result.success) throw refusalOf(result.error.issues, model);
  const { input, embedding_type: type, dimensions } = result.data;
  if (![undefined, null, 'float'].some((numbers) => numbers === type)) {
    throw refuseField([model, 'embedding_type'], 'The double answers float only');
  }
  if ((dimensions ?? 0) > native) {
    throw refuseField([model, 'dimensions'], `The double has ${String(native)} dimensions`);
  }
  const documents = Array.isArray(input) ? input : [input];
  const inputs = await Promise.all(
    documents.map((entry, index) => readDocument(entry, [model, 'input', String(index)])),
  );
  return { inputs, dimensions: dimensions ?? undefined };
}

function refuseField(path: readonly string[], message: string): VendorRefusal {
  return new VendorRefusal(422, {
    detail: `${message}. Field errors: ${path.join(' -> ')}`,
    errors: [{ field: ['body', ...path].join(' -> '), message, type: 'value_error' }],
  });
}

function refusalOf(issues: readonly z.core.$ZodIssue[], model: JinaModel): VendorRefusal {
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
  return new VendorRefusal(422, { detail, errors });
}

async function readDocument(
  entry: z.output<typeof document>,
  path: readonly string[],
): Promise<VendorInput> {
  if (typeof entry === 'string') return { text: entry };
  if ('text' in entry) return entry;
  const image = Buffer.from(entry.image, 'base64');
  if (!(await isGoodImage(image, { bytes: LARGEST_IMAGE }))) {
    throw refuseField(path, 'Image cannot be decoded or exceeds 8MB');
  }
  return { image };
}
