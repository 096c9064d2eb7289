import sharp from 'sharp';
import type { z } from 'zod';

export interface RecordedRequest {
  method: string;
  path: string;
  /** The right key is written `<key>`, any other value of its header as `<wrong>`. */
  headers: Record<string, string>;
  /** Parsed JSON. */
  body: unknown;
  /** As it came. */
  bytes: Buffer;
  /** Settles when the answer was sent or the client has gone. */
  closed: Promise<void>;
}

export type VendorInput = { text: string } | { image: Buffer };

export interface ParsedRequest {
  inputs: VendorInput[];
  /** Length of vectors that is asked for; undefined for the model's own. */
  dimensions?: number | undefined;
}

/** How one vendor's API looks from outside: what it takes, what it answers and how it refuses. */
export interface VendorDouble<Answer = unknown> {
  /** Path of the base address. */
  readonly basePath: string;
  /** The header that carries the key, in lower case, and what comes before the key in it. */
  readonly keyHeader: { name: string; prefix: string };
  /** Euclidean length of the vectors, for vendors that do not promise 1. @default 1 */
  readonly vectorLength?: number;
  /** Images in a request, whether it is well formed or not. */
  countImages(request: RecordedRequest): number;
  /** Checks a request against the documented shape; fails with a VendorRefusal. */
  parse(request: RecordedRequest): Promise<ParsedRequest>;
  answer(vectors: number[][], parsed: ParsedRequest): Answer;
  /** The refusal of a request for what input number `index`, from 0, is. */
  refuseInput(index: number, reason: string): VendorRefusal;
  refuseKey(wasGiven: boolean): VendorRefusal;
}

/** An answer that is no 200, in the vendor's own shape. */
export class VendorRefusal extends Error {
  constructor(
    readonly status: number,
    readonly body: object,
  ) {
    super(`${String(status)} ${JSON.stringify(body)}`);
  }
}

/** Fails unless the request is a POST of JSON, or of bytes, to this path, query included. */
export function checkEnvelope(
  { method, path, headers }: RecordedRequest,
  expected: { path: string; contentType?: string; missing: object },
): void {
  const { contentType = 'application/json', missing } = expected;
  if (method !== 'POST' || path !== expected.path) throw new VendorRefusal(404, missing);
  if (headers['content-type'] !== contentType) throw new VendorRefusal(415, missing);
}

/** What the schema reads, or a refusal that lists every fault as `path: what is wrong`. */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  refuse: (faults: { path: string; message: string }[]) => VendorRefusal,
): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw refuse(
    result.error.issues.map(({ path, message }) => ({
      path: path.map(String).join('.'),
      message,
    })),
  );
}

const DATA_URL = /^data:image\/(?:jpeg|png|webp);base64,([A-Za-z0-9+/]+={0,2})$/;

/** The image in a data URL; null for anything else. */
export function readDataURL(url: string): Buffer | null {
  const encoded = DATA_URL.exec(url)?.[1];
  return encoded === undefined ? null : Buffer.from(encoded, 'base64');
}

/** Whether an image can be decoded, has no EXIF, and is neither larger nor smaller than the vendor takes. */
export async function isGoodImage(
  bytes: Buffer,
  limits: { bytes?: number; minEdge?: number; pixels?: number } = {},
): Promise<boolean> {
  const { bytes: mostBytes = Infinity, minEdge = 1, pixels = Infinity } = limits;
  try {
    await sharp(bytes).stats();
    const { width, height, exif } = await sharp(bytes).metadata();
    return (
      exif === undefined &&
      bytes.length <= mostBytes &&
      Math.min(width, height) >= minEdge &&
      width * height <= pixels
    );
  } catch {
    return false;
  }
}

/** `{ object: 'list', data: [{ index, embedding }], model, usage }`, which most vendors answer. */
export interface ListAnswer {
  object: 'list';
  model: string;
  usage: { total_tokens: number; prompt_tokens: number };
  data: { object: 'embedding'; index: number; embedding: number[] }[];
}

export function listAnswer(model: string, vectors: number[][]): ListAnswer {
  return {
    object: 'list',
    model,
    usage: { total_tokens: vectors.length, prompt_tokens: vectors.length },
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
  };
}

/** Items of a list in a body that are images. */
export function countItems(list: unknown, isImage: (item: unknown) => boolean): number {
  return Array.isArray(list) ? list.filter(isImage).length : 0;
}

/** A field of a body of unknown shape. */
export function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}

export const bearerKey = { name: 'authorization', prefix: 'Bearer ' };
