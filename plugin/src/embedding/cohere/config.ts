import { z } from 'zod';
import { checkDimensions, type KnownModel } from '../http/dimensions';
import {
  apiKeySetting,
  dimensionsSetting,
  imagesPerMinuteSetting,
  maxEdgeSetting,
  requestsPerMinuteSetting,
  textBatchSizeSetting,
  timeoutSecondsSetting,
  vendorModelSetting,
  vendorURLSetting,
} from '../http/settings';

export const cohereModels: readonly KnownModel[] = [
  { name: 'embed-v4.0', dimensions: [256, 512, 1_024, 1_536] },
  { name: 'embed-english-v3.0', dimensions: [1_024] },
  { name: 'embed-multilingual-v3.0', dimensions: [1_024] },
  { name: 'embed-english-light-v3.0', dimensions: [384] },
  { name: 'embed-multilingual-light-v3.0', dimensions: [384] },
];
/** The vendor scales down what has more than 2,458,624 pixels. */
const LARGEST_EDGE = 1_568;

export const cohereConfigSchema = z
  .strictObject({
    provider: z.literal('cohere'),
    baseURL: vendorURLSetting('https://api.cohere.com', 'Address above /v2/embed'),
    apiKey: apiKeySetting('Sent as bearer token; keep it in an environment variable'),
    model: vendorModelSetting('embed-v4.0', 'Name of the model'),
    dimensions: dimensionsSetting(
      1_024,
      'Length of the vectors; embed-v4.0: 256, 512, 1024 or 1536',
    ),
    textBatchSize: textBatchSizeSetting(32, 96),
    requestsPerMinute: requestsPerMinuteSetting(2_000, 'any key allows 2,000 texts a minute'),
    imagesPerMinute: imagesPerMinuteSetting(400, 'a production key allows 400, a trial key 5'),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(LARGEST_EDGE),
  })
  .superRefine((config, context) => {
    checkDimensions(cohereModels, config, context);
  });

export type CohereConfig = z.output<typeof cohereConfigSchema>;
