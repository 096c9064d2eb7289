import type { Context } from 'koa';
import qs from 'qs';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import {
  embeddingBodySchema,
  pictureBodySchema,
  searchBodySchema,
  type CommonSearchInput,
  type EmbeddingBody,
  type SearchBody,
} from '../../../plugin/src/contracts/search';
import type {
  ExampleImage,
  ExampleUrl,
  SearchExample,
  SearchRequest,
} from '../../../plugin/src/search/contract';
import { parseInput } from './parse-input';
import { decodeImageText, inputError, readImagePart } from './query-image';

export interface InputLimits {
  maxTextLength: number;
  maxImageBytes: number;
}

/** Fields of a multipart request that are not plain text: they come as JSON or in bracket notation. */
const STRUCTURED_FIELDS = ['fileId', 'vector', 'like', 'unlike', 'filters', 'pagination'];

/** In characters, of a multipart request's field that is not the picture. */
const LONGEST_FIELD = 65_536;
const LONGEST_SHOWN_NAME = 80;

export type SearchInput = Pick<SearchRequest, 'like' | 'unlike'> & CommonSearchInput;

/** Body of `POST search`, JSON or multipart → what to look for. */
export async function readSearchInput(ctx: Context, limits: InputLimits): Promise<SearchInput> {
  const { fields, imagePart } = await readBody(ctx, limits);
  // Filters, pages and scores may also stand in the address, as they do for GET.
  const body = parseInput(searchBodySchema, { ...ctx.query, ...fields });
  const { filters, pagination, minScore, orientation, unused, hasAlternativeText } = body;
  return {
    like: [...mainExample(body, imagePart, limits), ...toExamples('like', body, limits)],
    unlike: toExamples('unlike', body, limits),
    filters,
    orientation,
    unused,
    hasAlternativeText,
    pagination,
    minScore,
  };
}

/** Body of `POST embeddings` → the one text or picture to embed. */
export async function readEmbeddingInput(
  ctx: Context,
  limits: InputLimits,
): Promise<ExampleImage | ExampleUrl | { kind: 'text'; text: string }> {
  const { fields, imagePart } = await readBody(ctx, limits);
  const body = parseInput(embeddingBodySchema, fields);
  const given = [
    ...textExample(body, limits),
    ...imageExample(body, imagePart, limits),
    ...urlExample(body),
  ];
  const [example] = given;
  if (!example || given.length > 1) throw inputError('Give one of "text", "image" and "url".');
  return example;
}

/** Body of `POST check` → the one picture to look for. */
export async function readPictureInput(ctx: Context, limits: InputLimits): Promise<ExampleImage> {
  const { fields, imagePart } = await readBody(ctx, limits);
  const [image, ...more] = imageExample(parseInput(pictureBodySchema, fields), imagePart, limits);
  if (!image || more.length > 0) throw inputError('Give one picture as "image".');
  return image;
}

/** @param input what a refusal calls the text */
export function toTextExample(
  text: string,
  { maxTextLength }: InputLimits,
  input = 'text',
): { kind: 'text'; text: string } {
  if (text.length > maxTextLength) {
    throw inputError(
      `${input}: has ${String(text.length)} characters; at most ${String(maxTextLength)} are searched for.`,
    );
  }
  return { kind: 'text', text };
}

async function readBody(
  ctx: Context,
  { maxImageBytes }: InputLimits,
): Promise<{ fields: Record<string, unknown>; imagePart: Uint8Array | null }> {
  const { body } = ctx.request as { body?: unknown };
  if (body !== undefined && (typeof body !== 'object' || body === null || Array.isArray(body))) {
    throw inputError('The body must be a JSON object or multipart/form-data.');
  }
  const fields = (body ?? {}) as Record<string, unknown>;
  if (!ctx.is('multipart')) return { fields, imagePart: null };
  return {
    fields: parseMultipartFields(fields),
    imagePart: await readImagePart(ctx, maxImageBytes),
  };
}

function parseMultipartFields(fields: Record<string, unknown>): Record<string, unknown> {
  refuseLongFields(fields);
  // Given the fields as they are, without a query string in between: that would encode megabytes of a picture.
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

/** Every field but the picture is short; a long name is a long field as well. */
function refuseLongFields(fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'image') continue;
    const length = [value].flat().reduce((sum: number, text) => sum + String(text).length, 0);
    if (name.length + length <= LONGEST_FIELD) continue;
    const shownName = name.slice(0, LONGEST_SHOWN_NAME);
    throw inputError(
      `${shownName}: has ${String(length)} characters; at most ${String(LONGEST_FIELD)} are read from a field of a multipart request.`,
    );
  }
}

/** A form knows no numbers: digits alone are the id of a file. A text of digits can be sent in JSON. */
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
      'Give one of "text", "image", "url", "fileId" and "vector"; further examples belong into "like" and "unlike".',
    );
  }
  if (examples.length === 0 && !body.like?.length) {
    throw inputError(
      'Give something to look for: "text", "image", "url", "fileId", "vector" or "like".',
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
    throw inputError('"vector" and "space" belong together: POST embeddings answers both.');
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
