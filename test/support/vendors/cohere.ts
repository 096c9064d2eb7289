import { z } from 'zod';
import {
  bearerKey,
  checkEnvelope,
  countItems,
  fieldOf,
  isGoodImage,
  parseBody,
  readDataURL,
  VendorRefusal,
  type VendorDouble,
  type VendorInput,
} from './double';

/*
 * POST /v2/embed of Cohere's API reference and its TypeScript client of August 2026. Mixed `inputs` are documented, too,
 * but the double does not serve them.
 */
const shared = {
  model: z.literal('embed-v4.0'),
  embedding_types: z.tuple([z.literal('float')]),
  output_dimension: z.union([256, 512, 1_024, 1_536].map((length) => z.literal(length))).optional(),
  truncate: z.enum(['NONE', 'START', 'END']).optional(),
};
const requestSchema = z.union([
  z.strictObject({
    ...shared,
    input_type: z.literal('image'),
    images: z.array(z.string()).length(1),
  }),
  z.strictObject({
    ...shared,
    input_type: z.literal('search_query'),
    texts: z.array(z.string()).min(1).max(96),
  }),
]);

export const cohereDouble: VendorDouble = {
  basePath: '',
  keyHeader: bearerKey,
  countImages: ({ body }) => countItems(fieldOf(body, 'images'), () => true),

  async parse(request) {
    checkEnvelope(request, { path: '/v2/embed', missing: refusal(404, 'page not found').body });
    const body = parseBody(requestSchema, request.body, ([fault]) =>
      refusal(400, `invalid request: ${fault?.path ?? ''} ${fault?.message ?? ''}`),
    );
    const { output_dimension: dimensions = 1_536 } = body;
    if ('texts' in body) return { inputs: body.texts.map((text) => ({ text })), dimensions };
    const inputs = await Promise.all(
      body.images.map(async (url, index): Promise<VendorInput> => {
        const image = readDataURL(url);
        if (image && (await isGoodImage(image, { bytes: 5_000_000 }))) return { image };
        throw cohereDouble.refuseInput(index, 'must be a valid data URI');
      }),
    );
    return { inputs, dimensions };
  },

  answer: (vectors, { inputs }) => ({
    id: 'a-1',
    response_type: 'embeddings_by_type',
    embeddings: { float: vectors },
    texts: inputs.flatMap((input) => ('text' in input ? [input.text] : [])),
    meta: {
      api_version: { version: '2' },
      billed_units: 'image' in (inputs[0] ?? {}) ? { image_tokens: 1_310 } : { input_tokens: 3 },
    },
  }),
  refuseInput: (index, reason) =>
    refusal(400, `invalid request: input ${String(index)}: ${reason}`),
  refuseKey: () => refusal(401, 'invalid api token'),
};

function refusal(status: number, message: string): VendorRefusal {
  return new VendorRefusal(status, { id: 'e-1', message });
}
