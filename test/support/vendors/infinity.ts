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

const MODEL = 'openai/clip-vit-base-patch32';
const MOST_IMAGES = 32;
/** Of its vectors. */
const DIMENSIONS = 512;

/*
 * POST /embeddings of Infinity 0.0.77, as that server answered it: unknown fields are ignored there, refused here, and
 * an image that ends its thread is refused here, too.
 */
const shared = {
  /** Any name will do where one model is served. */
  model: z.string(),
  encoding_format: z.literal('float'),
  dimensions: z.int().min(0).optional(),
};
const requestSchema = z.union([
  z.strictObject({
    ...shared,
    input: z.array(z.string().regex(/^(?!data:)/)).min(1),
    modality: z.literal('text').optional(),
  }),
  z.strictObject({
    ...shared,
    input: z.array(z.string().startsWith('data:image/')).min(1).max(MOST_IMAGES),
    modality: z.literal('image'),
  }),
]);

/** Infinity with CLIP. */
export const infinityDouble: VendorDouble = {
  basePath: '',
  keyHeader: bearerKey,
  countImages: ({ body }) =>
    fieldOf(body, 'modality') === 'image' ? countItems(fieldOf(body, 'input'), () => true) : 0,

  async parse(request) {
    checkEnvelope(request, { path: '/embeddings', missing: { detail: 'Not Found' } });
    const { input, modality, dimensions } = parseBody(requestSchema, request.body, (faults) => {
      const detail = faults.map(({ path, message }) => ({
        type: 'value_error',
        loc: ['body', ...path.split('.')],
        msg: message,
      }));
      return new VendorRefusal(422, { detail });
    });
    if (dimensions !== undefined && dimensions > DIMENSIONS) {
      throw refusal(
        'MatryoshkaDimError',
        `matryoshka_dim=${String(dimensions)} is not in a valid range.`,
      );
    }
    const inputs = await Promise.all(
      input.map(async (item, index): Promise<VendorInput> => {
        if (modality !== 'image') return { text: item };
        const image = readDataURL(item);
        if (!image || !(await isGoodImage(image, { minEdge: 3 }))) {
          throw infinityDouble.refuseInput(index, 'error decoding data URI');
        }
        return { image };
      }),
    );
    return { inputs, dimensions };
  },

  answer: (vectors) => ({
    ...listAnswer(MODEL, vectors),
    id: 'infinity-1',
    created: 1_760_000_000,
  }),
  refuseInput: (index, reason) => refusal('ImageCorruption', `${String(index)}: ${reason}`),
  refuseKey: () => new VendorRefusal(401, { detail: 'Unauthorized' }),
};

function refusal(kind: string, reason: string): VendorRefusal {
  const message = `<class 'infinity_emb.primitives.${kind}'> -> ${reason}`;
  return new VendorRefusal(400, { error: { message, type: null, param: null, code: 400 } });
}
