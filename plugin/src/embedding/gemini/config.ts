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

export const geminiModels: readonly KnownModel[] = [
  { name: 'gemini-embedding-2', dimensions: { from: 128, to: 3_072 } },
];

export const geminiConfigSchema = z
  .strictObject({
    provider: z.literal('gemini'),
    baseURL: vendorURLSetting(
      'https://generativelanguage.googleapis.com/v1beta',
      'Address above /models',
    ),
    apiKey: apiKeySetting('Key of the Gemini API; keep it in an environment variable'),
    model: vendorModelSetting(
      'gemini-embedding-2',
      'Name of the model, with or without `models/` before it',
    ),
    dimensions: dimensionsSetting(
      768,
      'Length of the vectors; gemini-embedding-2: 128 to 3072, best 768, 1536 or 3072',
    ),
    batchSize: batchSizeSetting(6, 6),
    textBatchSize: textBatchSizeSetting(32, 100),
    requestsPerMinute: requestsPerMinuteSetting(
      100,
      'Google AI Studio shows what your project may ask for',
    ),
    tokensPerMinute: tokensPerMinuteSetting(
      30_000,
      'Google AI Studio shows what your project may ask for; a picture is some 258',
    ),
    timeoutSeconds: timeoutSecondsSetting,
    maxEdge: maxEdgeSetting(),
  })
  .superRefine((config, context) => {
    checkDimensions(geminiModels, config, context);
  });

export type GeminiConfig = z.output<typeof geminiConfigSchema>;
