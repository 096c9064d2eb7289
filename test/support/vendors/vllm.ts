import { z } from 'zod';
import {
  bearerKey,
  checkEnvelope,
  fieldOf,
  isGoodImage,
  listAnswer,
  parseBody,
  readDataURL,
  VendorRefusal,
  type VendorDouble,
} from './double';

const MODEL = 'Qwen/Qwen3-VL-Embedding-2B';

/* POST /v1/embeddings with messages: EmbeddingChatRequest of vLLM, and its examples of 2026. */
const part = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string() }),
  }),
]);
const requestSchema = z.strictObject({
  model: z.literal(MODEL),
  messages: z
    .array(z.strictObject({ role: z.literal('user'), content: z.array(part).length(1) }))
    .length(1),
  encoding_format: z.literal('float'),
  dimensions: z.int().min(1).optional(),
  truncate_prompt_tokens: z.int().min(-1).optional(),
});

/** vLLM with one model, which refuses images that are tiny. */
export const vllmDouble: VendorDouble = {
  basePath: '/v1',
  keyHeader: bearerKey,
  countImages: ({ body }) =>
    JSON.stringify(fieldOf(body, 'messages')).includes('image_url') ? 1 : 0,

  async parse(request) {
    checkEnvelope(request, { path: '/v1/embeddings', missing: { detail: 'Not Found' } });
    const body = parseBody(requestSchema, request.body, (faults) =>
      refusal(`${String(faults.length)} validation errors: ${JSON.stringify(faults)}`),
    );
    const [only] = body.messages[0]?.content ?? [];
    if (only?.type === 'text')
      return { inputs: [{ text: only.text }], dimensions: body.dimensions };
    const image = readDataURL(only?.image_url.url ?? '');
    if (!image || !(await isGoodImage(image, { minEdge: 28 }))) {
      throw vllmDouble.refuseInput(0, 'cannot identify image file');
    }
    return { inputs: [{ image }], dimensions: body.dimensions };
  },

  answer: (vectors) => ({ ...listAnswer(MODEL, vectors), id: 'embd-1', created: 1_760_000_000 }),
  refuseInput: (_index, reason) => refusal(`Failed to load the input: ${reason}`),
  refuseKey: () => new VendorRefusal(401, { error: 'Unauthorized' }),
};

function refusal(message: string): VendorRefusal {
  return new VendorRefusal(400, {
    error: { message, type: 'BadRequestError', param: null, code: 400 },
  });
}
