import { z } from 'zod';
import {
  checkEnvelope,
  isGoodImage,
  parseBody,
  VendorRefusal,
  type RecordedRequest,
  type VendorDouble,
} from './double';

const QUERY = '?api-version=2024-02-01&model-version=2023-04-15';
const IMAGE_PATH = `/computervision/retrieval:vectorizeImage${QUERY}`;
const TEXT_PATH = `/computervision/retrieval:vectorizeText${QUERY}`;
const textSchema = z.strictObject({
  text: z
    .string()
    .min(1)
    .refine((text) => text.trim().split(/\s+/).length <= 70, 'has more than 70 words'),
});

/** Azure AI Vision 4.0, REST reference of 2024-02-01, the multilingual model. */
export const azureDouble: VendorDouble = {
  basePath: '',
  keyHeader: { name: 'ocp-apim-subscription-key', prefix: '' },
  countImages: ({ path }) => (path.includes('vectorizeImage') ? 1 : 0),

  async parse(request) {
    if (request.path === IMAGE_PATH) return parseImage(request);
    const missing = refusal('404', 'Resource not found').body;
    checkEnvelope(request, { path: TEXT_PATH, missing });
    const { text } = parseBody(textSchema, request.body, ([fault]) =>
      refusal('InvalidRequest', fault?.message ?? '', 'InvalidArgument'),
    );
    return { inputs: [{ text }], dimensions: 1_024 };
  },

  answer: ([vector]) => ({ modelVersion: '2023-04-15', vector }),
  refuseInput: (_index, reason) => refusal('InvalidRequest', reason, 'InvalidArgument'),
  refuseKey: () =>
    new VendorRefusal(401, {
      error: {
        code: '401',
        message:
          'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription.',
      },
    }),
};

async function parseImage(request: RecordedRequest) {
  checkEnvelope(request, {
    path: IMAGE_PATH,
    contentType: 'application/octet-stream',
    missing: refusal('404', 'Resource not found').body,
  });
  const image = request.bytes;
  if (!(await isGoodImage(image, { bytes: 20_000_000, minEdge: 11 }))) {
    throw refusal('InvalidRequest', 'The image size is not allowed.', 'InvalidImageSize');
  }
  return { inputs: [{ image }], dimensions: 1_024 };
}

function refusal(code: string, message: string, inner?: string): VendorRefusal {
  const innererror = inner === undefined ? {} : { innererror: { code: inner, message } };
  return new VendorRefusal(400, { error: { code, message, ...innererror } });
}
