import { z } from 'zod';
import { imageFormatNames } from './image-formats';

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

/** Settings below `embedding` for a hosted model behind an embeddings API in OpenAI's manner. */
export const openaiConfigSchema = z.strictObject({
  provider: z.literal('openai'),
  baseURL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .refine(hasNothingBesidesPath, 'must have no user name, password, query or fragment')
    .meta({ description: 'Address above /embeddings, such as https://api.jina.ai/v1' }),
  apiKey: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    // Anything else cannot travel in a header, and fetch would quote the key in its complaint.
    .regex(/^[\x21-\x7e]*$/, 'must be visible ASCII characters without blanks')
    .meta({ description: 'Sent as bearer token; keep it in an environment variable' }),
  model: z.string().trim().min(1).max(200).meta({
    description: 'Name of a model that embeds pictures and texts into one space: jina-clip-v2',
  }),
  imageFormat: z.enum(imageFormatNames).default('jina').meta({
    description: 'How the server wants pictures, which every vendor defines on its own',
  }),
  // Every model of Jina that offers a choice offers 512; of its 1024 dimensions jina-clip-v2 keeps 99 % of its quality
  // in 256 (jina.ai/news, November 2024), and half the length is half the store and half the time of a search.
  dimensions: wholeNumber(16, 8_192).default(512).meta({
    description:
      'Length of the vectors; the model must offer it (jina-clip-v2: 64 to 1024). Another length is another space: everything is embedded anew',
  }),
  batchSize: wholeNumber(1, 128).default(8).meta({
    description: 'Most pictures in one request',
  }),
  textBatchSize: wholeNumber(1, 512).default(32).meta({
    description: 'Most texts in one request',
  }),
  requestsPerMinute: wholeNumber(1, 100_000).default(500).meta({
    description:
      'Most requests in a minute; a free key of Jina allows 500 of them and a million tokens',
  }),
  timeoutSeconds: wholeNumber(1, 300).default(30).meta({
    description: 'Longest wait for a whole answer',
  }),
  // What jina-clip-v2 sees, and the edge of one tile of its price.
  maxEdge: wholeNumber(64, 4_096).default(512).meta({
    description:
      'Longer side of the picture that is sent, in pixels; larger pictures are scaled down, smaller ones stay. Another edge is another space: everything is embedded anew',
  }),
});

function hasNothingBesidesPath(baseURL: string): boolean {
  if (!URL.canParse(baseURL)) return true;
  const { username, password, search, hash } = new URL(baseURL);
  return username === '' && password === '' && search === '' && hash === '';
}
