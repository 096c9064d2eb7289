import { z } from 'zod';
import { checkDimensions, type KnownModel } from '../http/dimensions';
import {
  apiKeySetting,
  batchSizeSetting,
  dimensionsSetting,
  maxEdgeSetting,
  requestsPerMinuteSetting,
  textBatchSizeSetting,
  timeoutSecondsSetting,
  vendorModelSetting,
  vendorURLSetting,
  tokensPerMinuteSetting,
} from '../http/settings';

export const voyageModels: readonly KnownModel[] = [
  { name: 'voyage-multimodal-3.5', dimensions: [256, 512, 1_024, 2_048] },
  { name: 'voyage-multimodal-3', dimensions: [1_024] },
];
/** 16 million pixels a picture are allowed. */
const LARGEST_EDGE = 4_000;

export const voyageConfigSchema = z
  .strictObject({
    provider: z.literal('voyage'),
    baseURL: vendorURLSetting('https://api.voyageai.com/v1', 'Address above /multimodalembeddings'),
    apiKey: apiKeySetting('Sent as bearer token; keep it in an environment variable'),
    model: vendorModelSetting('voyage-multimodal-3.5', 'Name of the model'),
    dimensions: dimensionsSetting(
      1_024,
      'Length of the vectors; voyage-multimodal-3.5: 256, 512, 1024 or 2048',
    ),
    batchSize: batchSizeSetting(8, 128),
    textBatchSize: textBatchSizeSetting(32, 512),
    requestsPerMinute: requestsPerMinuteSetting(
      2_000,
      'the first tier allows 2,000, an account without means of payment 3',
    ),
    tokensPerMinute: tokensPerMinuteSetting(
      2_000_000,
      'the first tier allows 2,000,000; a picture of 512 px is some 470',
    ),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(LARGEST_EDGE),
  })
  .superRefine((config, context) => {
    checkDimensions(voyageModels, config, context);
  });

export type VoyageConfig = z.output<typeof voyageConfigSchema>;
