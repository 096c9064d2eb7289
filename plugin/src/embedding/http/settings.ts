import { z } from 'zod';
import { LARGEST_EDGE } from '../contract';

/*
 * Settings that hosted providers have in common, so that they read and are checked alike. Each provider puts them into
 * a schema of its own.
 */

const wholeNumber = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum);

/** What a picture is scaled down to unless something else is said; most models see no more of it. */
const DEFAULT_EDGE = 512;

const address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .refine(hasNothingBesidesPath, 'must have no user name, password, query or fragment');

/** An address without anything that a request would have to add to. */
export function baseURLSetting(description: string) {
  return address.meta({ description });
}

/** The same, with the address of the vendor unless another one is given: that of a proxy, say. */
export function vendorURLSetting(standard: string, description: string) {
  return address.default(standard).meta({ description });
}

export function apiKeySetting(description: string) {
  return (
    z
      .string()
      .trim()
      .min(1, 'must not be empty')
      // Anything else cannot travel in a header, and fetch would quote the key in its complaint.
      .regex(/^[\x21-\x7e]*$/, 'must be visible ASCII characters without blanks')
      .meta({ description })
  );
}

const modelName = z.string().trim().min(1).max(200);

export function modelSetting(description: string) {
  return modelName.meta({ description });
}

/** The same, with the vendor's usual model unless another one is given. */
export function vendorModelSetting(standard: string, description: string) {
  return modelName.default(standard).meta({ description });
}

export function dimensionsSetting(standard: number, description: string) {
  return wholeNumber(16, 8_192)
    .default(standard)
    .meta({
      description: `${description}. Another length is another space: everything is embedded anew`,
    });
}

export function batchSizeSetting(standard: number, most: number) {
  return wholeNumber(1, most)
    .default(standard)
    .meta({ description: 'Most pictures in one request' });
}

export function textBatchSizeSetting(standard: number, most: number) {
  return wholeNumber(1, most).default(standard).meta({ description: 'Most texts in one request' });
}

export function requestsPerMinuteSetting(standard: number, description: string) {
  return wholeNumber(1, 100_000)
    .default(standard)
    .meta({ description: `Most requests in a minute; ${description}` });
}

export function tokensPerMinuteSetting(standard: number, description: string) {
  return wholeNumber(1_000, 1_000_000_000)
    .default(standard)
    .meta({ description: `Most tokens in a minute; ${description}` });
}

export function imagesPerMinuteSetting(standard: number, description: string) {
  return wholeNumber(1, 1_000_000)
    .default(standard)
    .meta({ description: `Most pictures in a minute; ${description}` });
}

export const timeoutSecondsSetting = wholeNumber(1, 300).default(30).meta({
  description: 'Longest wait for a whole answer',
});

/** `indexing.sendMaxEdge` lowers it when the whole configuration is read. */
export function maxEdgeSetting(largest = LARGEST_EDGE) {
  return wholeNumber(64, largest).default(DEFAULT_EDGE).meta({
    description:
      'Longer side of the picture that is sent, in pixels; larger pictures are scaled down, smaller ones stay. Another edge is another space: everything is embedded anew',
  });
}

function hasNothingBesidesPath(baseURL: string): boolean {
  if (!URL.canParse(baseURL)) return true;
  const { username, password, search, hash } = new URL(baseURL);
  return username === '' && password === '' && search === '' && hash === '';
}
