import type { Context } from 'koa';
import qs from 'qs';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import {
  embeddingBodySchema,
  imageBodySchema,
  searchBodySchema,
  type CommonSearchInput,
  type EmbeddingBody,
  type SearchBody,
  type TextMatching,
} from '../../../plugin/src/contracts/search';
import { ImageSearchError } from '../../../plugin/src/errors';
import type {
  ExampleImage,
  ExampleUrl,
  SearchExample,
  SearchRequest,
} from '../../../plugin/src/search/contract';
import { isMultipart, readMultipart, type MultipartForm } from './multipart';
import {
  shorten,
  inputError,
  parseInput,
  readBody,
  readQuery,
  refusePrototypeKeys,
} from './parse-input';

export interface InputLimits {
  maxTextLength: number;
  maxImageBytes: number;
}

/** Fields of a multipart request that aren't plain text: sent as JSON or in bracket notation. */
const STRUCTURED_FIELDS = ['fileId', 'vector', 'like', 'unlike', 'filters', 'pagination', 'region'];

/** In characters, for any field of a multipart request except the image. */
const LONGEST_FIELD = 65_536;

export type SearchInput = Pick<SearchRequest, 'like' | 'unlike'> & CommonSearchInput & TextMatching;

/** Body of `POST search` (JSON or multipart) → the query. */
export async function readSearchInput(ctx: Context, limits: InputLimits): Promise<SearchInput> {
  const { fields, imagePart } = await readFields(ctx, limits);
  // Filters, pagination and scores may also be in the URL, as for GET.
  return toSearchInput({ ...readQuery(ctx), ...fields }, { imagePart, limits });
}

/**
 * A query as `searchBodySchema` has it → the search.
 *
 * @param options `imagePart`: an encoded image beside the query's own fields
 * @throws ImageSearchError `invalid-input`, `image-too-large`
 */
export function toSearchInput(
  query: unknown,
  { imagePart, limits }: { imagePart: Uint8Array | null; limits: InputLimits },
): SearchInput {
  const body = parseInput(searchBodySchema, query);
  const { fields: fileFields, filters, minRelevance, minScore, pagination } = body;
  const { color, colorTolerance, kind, orientation, tags, unused, hasAlternativeText } = body;
  const { mode, weight } = body;
  const examples = [...mainExample(body, imagePart, limits), ...toExamples('like', body, limits)];
  const like = withRegion(examples, body.region);
  if (like.length === 0) {
    requireFilters(body, 'send "text", "image", "url", "fileId", "vector", "like" or filters');
  }
  return {
    like,
    unlike: toExamples('unlike', body, limits),
    fields: fileFields,
    filters,
    kind,
    orientation,
    unused,
    hasAlternativeText,
    color,
    colorTolerance,
    tags,
    pagination,
    minScore,
    minRelevance,
    autocut: body.autocut,
    collapse: body.collapse,
    diversity: body.diversity,
    sort: body.sort,
    facets: body.facets,
    groupBy: body.groupBy,
    groupSize: body.groupSize,
    mode,
    weight,
  };
}

/** @throws ImageSearchError `invalid-input` unless exactly one of the examples is an image */
function withRegion(
  examples: readonly SearchExample[],
  region: SearchBody['region'],
): SearchExample[] {
  if (region === undefined) return [...examples];
  const images = examples.filter(({ kind }) => kind !== 'text' && kind !== 'vector');
  if (images.length === 1) {
    return examples.map((example) =>
      example.kind === 'text' || example.kind === 'vector' ? example : { ...example, region },
    );
  }
  throw inputError(
    `region: needs a query with one image; this one has ${String(images.length)}. Send one "image", "url", "fileId" or file in "like".`,
  );
}

/**
 * Filters alone list the images that pass them, and facets alone count all; what only ranks or cuts off results needs a query.
 *
 * @throws ImageSearchError `invalid-input`
 */
export function requireFilters(
  body: CommonSearchInput & Pick<SearchBody, 'unlike'>,
  advice: string,
): void {
  const { color, facets, filters, hasAlternativeText, kind, orientation, tags } = body;
  const given = [filters, kind, color, hasAlternativeText, orientation, tags, body.unused, facets];
  const unlike = body.unlike?.length === 0 ? undefined : body.unlike;
  const ranking = Object.entries({
    minScore: body.minScore,
    minRelevance: body.minRelevance,
    autocut: body.autocut,
    collapse: body.collapse,
    diversity: body.diversity,
    groupBy: body.groupBy,
    groupSize: body.groupSize,
    unlike,
  });
  const [needsQuery] = ranking.find(([, value]) => value !== undefined) ?? [];
  if (needsQuery === undefined && given.some((filter) => filter !== undefined)) return;
  throw inputError(
    needsQuery === undefined
      ? `The query is missing: ${advice}.`
      : `The query is missing, which "${needsQuery}" needs: ${advice.replace(/ or filters$/, '')}.`,
  );
}

/** Body of `POST embeddings` → the text or image to embed. */
export async function readEmbeddingInput(
  ctx: Context,
  limits: InputLimits,
): Promise<ExampleImage | ExampleUrl | { kind: 'text'; text: string }> {
  const { fields, imagePart } = await readFields(ctx, limits);
  return toEmbeddingInput(fields, { imagePart, limits });
}

/** A body as `embeddingBodySchema` has it → what to embed. @throws ImageSearchError as `toSearchInput` */
export function toEmbeddingInput(
  fields: unknown,
  { imagePart, limits }: { imagePart: Uint8Array | null; limits: InputLimits },
): ExampleImage | ExampleUrl | { kind: 'text'; text: string } {
  const body = parseInput(embeddingBodySchema, fields);
  const given = [
    ...textExample(body, limits),
    ...imageExample(body, imagePart, limits),
    ...urlExample(body),
  ];
  const [example] = given;
  if (!example || given.length > 1) throw inputError('Send one of "text", "image" and "url".');
  return example;
}

/** Body of `POST check` → the image to check. */
export async function readImageInput(ctx: Context, limits: InputLimits): Promise<ExampleImage> {
  const { fields, imagePart } = await readFields(ctx, limits);
  const [image, ...more] = imageExample(parseInput(imageBodySchema, fields), imagePart, limits);
  if (!image || more.length > 0) throw inputError('Send one image as "image".');
  return image;
}

/** @param input the field's name in error messages */
export function toTextExample(
  text: string,
  { maxTextLength }: InputLimits,
  input = 'text',
): { kind: 'text'; text: string } {
  if (text.length > maxTextLength) {
    throw inputError(
      `${input}: has ${String(text.length)} characters; at most ${String(maxTextLength)} are allowed.`,
    );
  }
  return { kind: 'text', text };
}

async function readFields(
  ctx: Context,
  { maxImageBytes }: InputLimits,
): Promise<{ fields: Record<string, unknown>; imagePart: Uint8Array | null }> {
  if (!isMultipart(ctx)) return { fields: readBody(ctx), imagePart: null };
  const { fields, files } = await readMultipart(ctx, maxImageBytes);
  return {
    fields: parseMultipartFields(fields),
    imagePart: imagePartOf(files, maxImageBytes),
  };
}

function parseMultipartFields(fields: Record<string, unknown>): Record<string, unknown> {
  refuseLongFields(fields);
  refusePrototypeKeys(Object.keys(fields));
  // Without a query string in between, which would encode megabytes of an image.
  const nested: Record<string, unknown> = qs.parse(fields as Record<string, string>, {
    arrayLimit: 100,
    depth: apiLimits.maxFilterLevels + 1,
  });
  for (const name of STRUCTURED_FIELDS) {
    const value = nested[name];
    if (Array.isArray(value)) nested[name] = value.map(readFormValue);
    if (typeof value !== 'string') continue;
    try {
      nested[name] = JSON.parse(value);
    } catch {
      throw inputError(`${name}: must be JSON in a multipart request.`);
    }
  }
  return nested;
}

/** Every field except the image is short; names count too. */
function refuseLongFields(fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'image') continue;
    const length = [value].flat().reduce((sum: number, text) => sum + String(text).length, 0);
    if (name.length + length <= LONGEST_FIELD) continue;
    throw inputError(
      `${shorten(name)}: has ${String(length)} characters; a field of a multipart request may have at most ${String(LONGEST_FIELD)}.`,
    );
  }
}

/** Forms have no numbers, so digits alone are a file id. Send a text of digits as JSON. */
function readFormValue(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}

function mainExample(
  body: SearchBody,
  imagePart: Uint8Array | null,
  limits: InputLimits,
): SearchExample[] {
  const examples = [
    ...textExample(body, limits),
    ...imageExample(body, imagePart, limits),
    ...urlExample(body),
    ...fileExample(body),
    ...vectorExample(body),
  ];
  if (examples.length > 1) {
    throw inputError(
      'Send one of "text", "image", "url", "fileId" and "vector"; use "like" and "unlike" for more examples.',
    );
  }
  return examples;
}

function textExample({ text }: EmbeddingBody, limits: InputLimits) {
  return text === undefined ? [] : [toTextExample(text, limits)];
}

function imageExample(
  { image }: EmbeddingBody,
  part: Uint8Array | null,
  { maxImageBytes }: InputLimits,
): ExampleImage[] {
  const examples: ExampleImage[] = part ? [{ kind: 'image', bytes: part }] : [];
  if (image !== undefined) {
    examples.push({ kind: 'image', bytes: decodeImageText(image, maxImageBytes) });
  }
  return examples;
}

function urlExample({ url }: EmbeddingBody): ExampleUrl[] {
  return url === undefined ? [] : [{ kind: 'url', url }];
}

function fileExample({ fileId }: SearchBody): SearchExample[] {
  return fileId === undefined ? [] : [{ kind: 'file', fileId }];
}

function vectorExample({ vector, space }: SearchBody): SearchExample[] {
  if (vector === undefined && space === undefined) return [];
  if (vector === undefined || space === undefined) {
    throw inputError('"vector" and "space" must be sent together: POST embeddings returns both.');
  }
  return [{ kind: 'vector', vector: Float32Array.from(vector), spaceId: space }];
}

function toExamples(
  input: 'like' | 'unlike',
  body: SearchBody,
  limits: InputLimits,
): SearchExample[] {
  return (body[input] ?? []).map((example, index) =>
    typeof example === 'number'
      ? { kind: 'file', fileId: example }
      : toTextExample(example, limits, `${input}.${String(index)}`),
  );
}

const DATA_URL = /^data:([^,]*),/s;
const IMAGE_DATA_URL = /^image\/[\w.+-]+(?:;[\w-]+=[\w.-]+)*;base64$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Decodes an image sent as base64 or as a data URL. */
function decodeImageText(text: string, maxBytes: number): Uint8Array {
  const prefix = DATA_URL.exec(text);
  if (prefix && !IMAGE_DATA_URL.test(prefix[1] ?? '')) {
    throw inputError('image: a data URL must contain an image in base64: "data:image/…;base64,…".');
  }
  const base64 = text.slice(prefix?.[0].length ?? 0).replace(/\s+/g, '');
  if (!BASE64.test(base64)) {
    throw inputError('image: must be an image in base64 or a data URL "data:image/…;base64,…".');
  }
  const bytes = Buffer.from(base64, 'base64');
  refuseLarge(bytes.length, maxBytes);
  return bytes;
}

/** The bytes of a multipart request's file part `image`; null if there is none. */
function imagePartOf(files: MultipartForm['files'], maxBytes: number): Uint8Array | null {
  const unknown = files.find(({ name }) => name !== 'image');
  if (unknown) {
    throw inputError(`${shorten(unknown.name)}: unknown file part. Send the image as "image".`);
  }
  if (files.length > 1) throw inputError('image: must be a single file.');
  const [image] = files;
  if (!image) return null;
  refuseLarge(image.bytes.length, maxBytes);
  return image.bytes;
}

function refuseLarge(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new ImageSearchError({
    code: 'image-too-large',
    message: `image: has ${String(size)} bytes; at most ${String(maxBytes)} are allowed (search.maxImageBytes).`,
    retryable: false,
  });
}
