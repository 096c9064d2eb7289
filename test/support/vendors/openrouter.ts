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

/*
 * POST /api/v1/embeddings of OpenRouter's API reference, August 2026. Audio, video and files are documented, too, but
 * the double does not serve them.
 */
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string() }),
});
const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const item = z.strictObject({ content: z.array(z.union([textPart, imagePart])).length(1) });
const requestSchema = z.strictObject({
  model: z.literal('google/gemini-embedding-2'),
  input: z.union([z.string(), z.array(z.string()).min(1), z.array(item).min(1)]),
  input_type: z.string().optional(),
  dimensions: z.int().min(1).optional(),
  encoding_format: z.literal('float'),
});

/** OpenRouter with one model. Each text must come as a query and each image as a document. */
export const openrouterDouble: VendorDouble = {
  basePath: '/api/v1',
  keyHeader: bearerKey,
  countImages: ({ body }) =>
    countItems(fieldOf(body, 'input'), (input) => fieldOf(input, 'content') !== undefined),

  async parse(request) {
    checkEnvelope(request, { path: '/api/v1/embeddings', missing: refusal(404, 'Not Found').body });
    const body = parseBody(requestSchema, request.body, ([fault]) =>
      refusal(400, `Invalid input: ${fault?.path ?? ''} ${fault?.message ?? ''}`),
    );
    const { input, input_type: type, dimensions } = body;
    const items = typeof input === 'string' ? [input] : input;
    const inputs = await Promise.all(items.map((entry, index) => readItem(entry, type, index)));
    return { inputs, dimensions };
  },

  answer: (vectors) => ({
    id: 'gen-emb-1',
    // The canonical name of the model, without what chooses a variant.
    ...listAnswer('google/gemini-embedding-2', vectors),
    usage: { prompt_tokens: 7, total_tokens: 7, cost: 0.000014 },
  }),
  refuseInput: (index, reason) =>
    refusal(400, `Provider returned error: input ${String(index)}: ${reason}`),
  refuseKey: () => refusal(401, 'User not found.'),
};

function refusal(code: number, message: string): VendorRefusal {
  return new VendorRefusal(code, { error: { code, message } });
}

async function readItem(
  entry: z.output<typeof item> | string,
  type: string | undefined,
  index: number,
): Promise<VendorInput> {
  const part =
    typeof entry === 'string' ? { type: 'text' as const, text: entry } : entry.content[0];
  if (part?.type === 'text') {
    if (type !== 'search_query')
      throw openrouterDouble.refuseInput(index, 'a text is a query here');
    return { text: part.text };
  }
  const image = readDataURL(part?.image_url.url ?? '');
  if (type !== 'search_document' || !image || !(await isGoodImage(image, { minEdge: 28 }))) {
    throw openrouterDouble.refuseInput(index, 'no image that is a document');
  }
  return { image };
}
