import { z } from 'zod';
import {
  bearerKey,
  checkEnvelope,
  countItems,
  fieldOf,
  isGoodPicture,
  listAnswer,
  parseBody,
  readDataURL,
  VendorRefusal,
  type VendorDouble,
  type VendorInput,
} from './double';

const MODEL = 'openai/clip-vit-base-patch32';
const MOST_PICTURES = 32;

/* POST /embeddings of Infinity 0.0.77, fastapi_schemas/pymodels.py: unknown fields are ignored there, refused here. */
const shared = {
  model: z.literal(MODEL),
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
    input: z.array(z.string().startsWith('data:image/')).min(1).max(MOST_PICTURES),
    modality: z.literal('image'),
  }),
]);

/** Infinity with CLIP. */
export const infinityDouble: VendorDouble = {
  basePath: '',
  keyHeader: bearerKey,
  countPictures: ({ body }) =>
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
    const inputs = await Promise.all(
      input.map(async (item, index): Promise<VendorInput> => {
        if (modality !== 'image') return { text: item };
        const image = readDataURL(item);
        if (!image || !(await isGoodPicture(image))) {
          throw infinityDouble.refuseInput(index, 'error opening the payload from url or bytes');
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
  refuseInput: (index, reason) =>
    new VendorRefusal(400, {
      error: {
        message: `<class 'infinity_emb.primitives.ImageCorruption'> -> ${String(index)}: ${reason}`,
        type: null,
        param: null,
        code: 400,
      },
    }),
  refuseKey: () => new VendorRefusal(401, { detail: 'Unauthorized' }),
};
