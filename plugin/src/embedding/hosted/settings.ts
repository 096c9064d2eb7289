import { z } from 'zod';
import { LARGEST_EDGE } from '../contract';

/*
 * Settings that hosted providers share, so that they read and are checked alike. Each provider puts them into its own
 * schema.
 */

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

/** Most models don't use more of an image. */
const DEFAULT_EDGE = 512;

const address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .refine(hasNothingBesidesPath, 'must not have a user name, password, query or fragment');

/** An address with nothing but a path, which requests extend. */
export function baseURLSetting(description: string) {
  return address.meta({ description });
}

/** The same, with the vendor's address as the default; another one may be a proxy's. */
export function vendorURLSetting(standard: string, description: string) {
  return address.default(standard).meta({ description });
}

export function apiKeySetting(description: string) {
  return (
    z
      .string()
      .trim()
      .min(1, 'must not be empty')
      // Nothing else can travel in a header, and fetch's error would quote the key.
      .regex(/^[\x21-\x7e]*$/, 'must be visible ASCII characters without spaces')
      .meta({ description })
  );
}

const modelName = z.string().trim().min(1).max(200);

export function modelSetting(description: string) {
  return modelName.meta({ description });
}

/** The same, with the vendor's usual model as the default. */
export function vendorModelSetting(standard: string, description: string) {
  return modelName.default(standard).meta({ description });
}

export function dimensionsSetting(standard: number, description: string) {
  return wholeNumber(16, 8_192)
    .default(standard)
    .meta({
      description: `${description}. Changing it reindexes everything`,
    });
}

export function batchSizeSetting(standard: number, most: number) {
  return wholeNumber(1, most).default(standard).meta({ description: 'Maximum images per request' });
}

export function textBatchSizeSetting(standard: number, most: number) {
  return wholeNumber(1, most).default(standard).meta({ description: 'Maximum texts per request' });
}

export function requestsPerMinuteSetting(standard: number, description: string) {
  return wholeNumber(1, 100_000)
    .default(standard)
    .meta({ description: `Maximum requests per minute; ${description}` });
}

export function tokensPerMinuteSetting(standard: number, description: string) {
  return wholeNumber(1_000, 1_000_000_000)
    .default(standard)
    .meta({ description: `Maximum tokens per minute; ${description}` });
}

export function imagesPerMinuteSetting(standard: number, description: string) {
  return wholeNumber(1, 1_000_000)
    .default(standard)
    .meta({ description: `Maximum images per minute; ${description}` });
}

export const timeoutSecondsSetting = wholeNumber(1, 300).default(30).meta({
  description: 'Time limit for a request, response included',
});

/** `indexing.sendMaxEdge` lowers it when the whole configuration is read. */
export function maxEdgeSetting(largest = LARGEST_EDGE) {
  return wholeNumber(64, largest).default(DEFAULT_EDGE).meta({
    description:
      'Longer side of the images that are sent, in pixels. Larger images are scaled down, smaller ones are sent as they are. Changing it reindexes everything',
  });
}

function hasNothingBesidesPath(baseURL: string): boolean {
  if (!URL.canParse(baseURL)) return true;
  const { username, password, search, hash } = new URL(baseURL);
  return username === '' && password === '' && search === '' && hash === '';
}

/** A model's vector lengths. */
export interface KnownModel {
  /** Without the path that some servers put before the name. */
  name: string;
  /** Every length that the model offers, or the shortest and longest of a range. */
  dimensions: readonly number[] | { from: number; to: number };
}

/** Unknown models pass: the server knows its own. */
function findModel(models: readonly KnownModel[], model: string): KnownModel | undefined {
  const name = model.replace(/^.*\//, '').toLowerCase();
  return models.find((known) => known.name === name);
}

/** Rejects a length that a known model doesn't offer; for a schema's `superRefine`. */
export function checkDimensions(
  models: readonly KnownModel[],
  { model, dimensions }: { model: string; dimensions: number },
  context: z.RefinementCtx,
): void {
  const known = findModel(models, model);
  const isInvalid = context.issues.some(({ path }) => path?.[0] === 'dimensions');
  if (isInvalid || known === undefined || offers(known, dimensions)) return;
  context.addIssue({
    code: 'custom',
    path: ['dimensions'],
    input: dimensions,
    message: `${model} has vectors of ${describeDimensions(known)} dimensions`,
  });
}

/** Whether requests may ask a model for a length: not if it's known to have a single one. */
export function offersChoice(models: readonly KnownModel[], model: string): boolean {
  const offered = findModel(models, model)?.dimensions;
  return offered === undefined || 'from' in offered || offered.length > 1;
}

function offers({ dimensions }: KnownModel, length: number): boolean {
  if ('from' in dimensions) return length >= dimensions.from && length <= dimensions.to;
  return dimensions.includes(length);
}

function describeDimensions({ dimensions }: KnownModel): string {
  return 'from' in dimensions
    ? `${String(dimensions.from)} to ${String(dimensions.to)}`
    : dimensions
        .map(String)
        .join(', ')
        .replace(/, (\d+)$/, ' or $1');
}
