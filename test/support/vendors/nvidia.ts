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

const MODEL = 'nvidia/llama-nemotron-embed-vl-1b-v2';

/* POST /v1/embeddings of the NeMo Retriever embedding NIM 2.x: images are taken as `passage` alone. */
const requestSchema = z.discriminatedUnion('modality', [
  z.strictObject({
    model: z.literal(MODEL),
    input: z.array(z.string()).min(1),
    modality: z.literal('text'),
    input_type: z.literal('query'),
    truncate: z.enum(['NONE', 'START', 'END']).optional(),
    encoding_format: z.literal('float'),
  }),
  z.strictObject({
    model: z.literal(MODEL),
    input: z.array(z.string().max(180_000)).min(1),
    modality: z.literal('image'),
    input_type: z.literal('passage'),
    encoding_format: z.literal('float'),
  }),
]);

export const nvidiaDouble: VendorDouble = {
  basePath: '/v1',
  keyHeader: bearerKey,
  countImages: ({ body }) =>
    countItems(fieldOf(body, 'input'), (item) => String(item).startsWith('data:')),

  async parse(request) {
    checkEnvelope(request, { path: '/v1/embeddings', missing: { detail: 'Not Found' } });
    const { input, modality } = parseBody(requestSchema, request.body, ([fault]) =>
      refusal(`${fault?.path ?? ''}: ${fault?.message ?? ''}`),
    );
    const inputs = await Promise.all(
      input.map(async (item, index): Promise<VendorInput> => {
        if (modality === 'text') return { text: item };
        const image = readDataURL(item);
        if (!image || !(await isGoodImage(image))) {
          throw nvidiaDouble.refuseInput(index, 'cannot identify image file');
        }
        return { image };
      }),
    );
    return { inputs };
  },

  answer: (vectors) => listAnswer(MODEL, vectors),
  refuseInput: (index, reason) => refusal(`input ${String(index)}: ${reason}`),
  refuseKey: () =>
    new VendorRefusal(401, { status: 401, title: 'Unauthorized', detail: 'Authentication failed' }),
};

function refusal(message: string): VendorRefusal {
  return new VendorRefusal(400, {
    object: 'error',
    message,
    detail: {},
    type: 'invalid_request_error',
  });
}
