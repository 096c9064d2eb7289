import { z } from 'zod';
import {
  bearerKey,
  checkEnvelope,
  countItems,
  fieldOf,
  isGoodImage,
  listAnswer,
  parseBody,
  readDataURL,
  VendorRefusal,
  type VendorDouble,
  type VendorInput,
} from './double';

const MODEL = 'voyage-multimodal-3.5';

/*
 * POST /v1/multimodalembeddings of Voyage's API reference and its Python client of July 2026. URLs and videos are
 * documented, too, but the double does not serve them.
 */
const part = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('image_base64'), image_base64: z.string() }),
]);
const requestSchema = z.strictObject({
  inputs: z
    .array(z.strictObject({ content: z.array(part).length(1) }))
    .min(1)
    .max(1_000),
  model: z.literal(MODEL),
  input_type: z.enum(['query', 'document']).nullish(),
  truncation: z.boolean().optional(),
  output_encoding: z.null().optional(),
  output_dimension: z.union([256, 512, 1_024, 2_048].map((length) => z.literal(length))).optional(),
});

/** Voyage with one model. Each text must come as a query and each image as a document. */
export const voyageDouble: VendorDouble = {
  basePath: '/v1',
  keyHeader: bearerKey,
  countImages: ({ body }) =>
    countItems(fieldOf(body, 'inputs'), (input) => JSON.stringify(input).includes('image_base64')),

  async parse(request) {
    checkEnvelope(request, {
      path: '/v1/multimodalembeddings',
      missing: { detail: 'Not Found' },
    });
    const body = parseBody(requestSchema, request.body, ([fault]) =>
      refusal(`Argument '${fault?.path ?? ''}' is invalid: ${fault?.message ?? ''}`),
    );
    const inputs = await Promise.all(
      body.inputs.map(async ({ content: [only] }, index): Promise<VendorInput> => {
        if (only?.type === 'text') {
          if (body.input_type === 'query') return { text: only.text };
          throw voyageDouble.refuseInput(index, 'a text is a query here');
        }
        const image = readDataURL(only?.image_base64 ?? '');
        const limits = { bytes: 20_000_000, pixels: 16_000_000 };
        if (body.input_type !== 'document' || !image || !(await isGoodImage(image, limits))) {
          throw voyageDouble.refuseInput(index, 'no image that is a document');
        }
        return { image };
      }),
    );
    return { inputs, dimensions: body.output_dimension };
  },

  answer: (vectors) => ({
    ...listAnswer(MODEL, vectors),
    usage: { text_tokens: 5, image_pixels: 2_000_000, total_tokens: 3_576 },
  }),
  refuseInput: (index, reason) => refusal(`Input ${String(index)} is invalid: ${reason}`),
  refuseKey: () => new VendorRefusal(401, { detail: 'Provided API key is invalid.' }),
};

function refusal(detail: string): VendorRefusal {
  return new VendorRefusal(400, { detail });
}
