import * as z from 'zod';

/** What is checked, in the order in which it is shown. */
export const checkIds = [
  'node',
  'package-manager',
  'sharp',
  'heic',
  'pdf',
  'ffmpeg',
  'ocr',
  'sqlite',
  'configuration',
  'runtime',
  'model',
  'hub',
  'provider',
  'store',
  'strapi',
  'database',
  'index',
  'storage',
  'permissions',
] as const;

export const checkSchema = z.object({
  id: z.enum(checkIds),
  /** `warning`: it works, but may not be what the operator wants. */
  status: z.enum(['ok', 'warning', 'failed']),
  /** One or two sentences in English; never a secret. */
  found: z.string(),
  /** What to do; null if nothing. */
  advice: z.string().nullable(),
});

/** `GET checks`, and `strapi-plugin-image-search doctor --json`. */
export const checksResponseSchema = z.object({ data: z.object({ checks: z.array(checkSchema) }) });

export type CheckId = (typeof checkIds)[number];
export type Check = z.output<typeof checkSchema>;
export type ChecksResponse = z.output<typeof checksResponseSchema>;
