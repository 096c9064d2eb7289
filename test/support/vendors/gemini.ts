import { z } from 'zod';
import {
  checkEnvelope,
  countItems,
  fieldOf,
  isGoodImage,
  parseBody,
  VendorRefusal,
  type VendorDouble,
  type VendorInput,
} from './double';

const MODEL = 'models/gemini-embedding-2';
const PATH = `/v1beta/${MODEL}:batchEmbedContents`;
const QUERY_PREFIX = 'task: search result | query: ';
const MOST_IMAGES = 6;

/*
 * models.batchEmbedContents of the Gemini API and its JavaScript client of August 2026. Several parts make one vector;
 * what is sent here must be one part each.
 */
const part = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({
    inlineData: z.strictObject({
      mimeType: z.enum(['image/jpeg', 'image/png']),
      data: z.base64().min(1),
    }),
  }),
]);
const requestSchema = z.strictObject({
  requests: z
    .array(
      z.strictObject({
        model: z.literal(MODEL),
        content: z.strictObject({ parts: z.array(part).length(1) }),
        outputDimensionality: z.int().min(128).max(3_072).optional(),
      }),
    )
    .min(1)
    .max(100),
});

/** Gemini with one model. Vectors are cut without being brought to length again; queries must say that they are. */
export const geminiDouble: VendorDouble = {
  basePath: '/v1beta',
  keyHeader: { name: 'x-goog-api-key', prefix: '' },
  vectorLength: 0.4,
  countImages: ({ body }) =>
    countItems(fieldOf(body, 'requests'), (request) =>
      JSON.stringify(request).includes('inlineData'),
    ),

  async parse(request) {
    checkEnvelope(request, { path: PATH, missing: refusal(404, 'NOT_FOUND', 'not found').body });
    const { requests } = parseBody(requestSchema, request.body, (faults) =>
      refusal(400, 'INVALID_ARGUMENT', 'Invalid value', [
        {
          '@type': 'type.googleapis.com/google.rpc.BadRequest',
          fieldViolations: faults.map(({ path, message }) => ({
            field: path,
            description: message,
          })),
        },
      ]),
    );
    if (geminiDouble.countImages(request) > MOST_IMAGES) {
      throw refusal(400, 'INVALID_ARGUMENT', 'At most 6 images');
    }
    const inputs = await Promise.all(
      requests.map(({ content: { parts } }, index) => readPart(parts[0], index)),
    );
    return { inputs, dimensions: requests[0]?.outputDimensionality };
  },

  answer: (vectors) => ({
    embeddings: vectors.map((values) => ({ values })),
    usageMetadata: {
      promptTokenCount: 258,
      promptTokenDetails: [{ modality: 'IMAGE', tokenCount: 258 }],
    },
  }),
  refuseInput: (index, reason) =>
    refusal(400, 'INVALID_ARGUMENT', `requests[${String(index)}].content: ${reason}`),
  refuseKey: () =>
    refusal(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'API_KEY_INVALID',
        domain: 'googleapis.com',
      },
    ]),
};

function refusal(code: number, status: string, message: string, details?: object[]): VendorRefusal {
  return new VendorRefusal(code, {
    error: { code, message, status, ...(details === undefined ? {} : { details }) },
  });
}

async function readPart(
  only: z.output<typeof part> | undefined,
  index: number,
): Promise<VendorInput> {
  if (only && 'text' in only) {
    if (only.text.startsWith(QUERY_PREFIX)) return { text: only.text.slice(QUERY_PREFIX.length) };
    throw geminiDouble.refuseInput(index, 'a text is a query here');
  }
  const image = Buffer.from(only?.inlineData.data ?? '', 'base64');
  if (await isGoodImage(image)) return { image };
  throw geminiDouble.refuseInput(index, 'Unable to process input image.');
}
