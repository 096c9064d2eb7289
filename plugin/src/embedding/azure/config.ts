import { z } from 'zod';
import {
  apiKeySetting,
  baseURLSetting,
  maxEdgeSetting,
  requestsPerMinuteSetting,
  timeoutSecondsSetting,
} from '../http/settings';

export const azureConfigSchema = z.strictObject({
  provider: z.literal('azure'),
  baseURL: baseURLSetting(
    'Endpoint of the resource, such as https://my-resource.cognitiveservices.azure.com',
  ),
  apiKey: apiKeySetting('Key of the resource; keep it in an environment variable'),
  modelVersion: z.enum(['2023-04-15', '2022-04-11']).default('2023-04-15').meta({
    description:
      'The multilingual model (102 languages) or the English one of 2022; another one is another space: everything is embedded anew',
  }),
  requestsPerMinute: requestsPerMinuteSetting(
    600,
    'a paid resource allows 10 to 20 a second, a free one (F0) 20 a minute',
  ),
  timeoutSeconds: timeoutSecondsSetting,
  maxEdge: maxEdgeSetting(),
});

export type AzureConfig = z.output<typeof azureConfigSchema>;
