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

const MODEL = 'google/embeddinggemma-2';

/*
 * POST /v1/openai/embeddings as DeepInfra's page of embeddinggemma-2 has it, autumn 2026: an item is a string, or a list
 * of parts that make one vector together.
 */
const part = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string() }),
  }),
]);
const requestSchema = z.strictObject({
  model: z.literal(MODEL),
  input: z.array(z.union([z.string(), z.array(part).length(1)])).min(1),
  task: z.enum(['document', 'query']).optional(),
  dimensions: z.union([128, 256, 512, 768].map((length) => z.literal(length))).optional(),
  encoding_format: z.literal('float'),
});

/** DeepInfra with one model. Each text must come as a query and each image as a document. */
export const deepinfraDouble: VendorDouble = {
  basePath: '/v1/openai',
  keyHeader: bearerKey,
  countImages: ({ body }) => countItems(fieldOf(body, 'input'), Array.isArray),

  async parse(request) {
    checkEnvelope(request, { path: '/v1/openai/embeddings', missing: { detail: 'Not Found' } });
    const body = parseBody(requestSchema, request.body, (faults) => {
      const detail = faults.map(({ path, message }) => ({
        loc: ['body', ...path.split('.')],
        msg: message,
      }));
      return new VendorRefusal(422, { detail });
    });
    const inputs = await Promise.all(
      body.input.map((item, index) => readItem(item, body.task, index)),
    );
    return { inputs, dimensions: body.dimensions };
  },

  answer: (vectors) => listAnswer(MODEL, vectors),
  refuseInput: (index, reason) =>
    new VendorRefusal(400, { detail: { error: `input ${String(index)}: ${reason}` } }),
  refuseKey: () => new VendorRefusal(401, { detail: { error: 'User is not authenticated' } }),
};

async function readItem(
  item: string | z.output<typeof part>[],
  task: string | undefined,
  index: number,
): Promise<VendorInput> {
  const only = typeof item === 'string' ? { type: 'text' as const, text: item } : item[0];
  if (only?.type === 'text') {
    if (task !== 'query') throw deepinfraDouble.refuseInput(index, 'a text is a query here');
    return { text: only.text };
  }
  const image = readDataURL(only?.image_url.url ?? '');
  if (task !== 'document' || !image || !(await isGoodImage(image, { minEdge: 28 }))) {
    throw deepinfraDouble.refuseInput(index, 'no image that is a document');
  }
  return { image };
}
