import type { Context, Next } from 'koa';
import { abortedError, ImageSearchError, type ErrorCode } from '../../../plugin/src/errors';
import { PLUGIN_ID } from '../plugin-id';
import { inputError } from './parse-input';

/** Everything beside the image. */
const MAX_OTHER_BYTES = 2 * 1_024 * 1_024;
/** The headers of one part. */
const MAX_HEAD_BYTES = 131_072;
const MAX_PARTS = 1_000;
const LONGEST_BOUNDARY = 70;
const LINE_END = '\r\n';
const HEAD_END = '\r\n\r\n';

export interface MultipartForm {
  /** Texts by name; lists for names that occur more than once. */
  fields: Record<string, string | string[]>;
  files: { name: string; bytes: Buffer }[];
}

/**
 * Prepares requests to this plugin for Strapi's parser of bodies, and answers for it when it fails.
 *
 * Multipart requests are hidden from it, so that their handlers read them with `readMultipart`: only for callers who are
 * allowed to, and without temporary files. It takes a file that is sent without a content type for text, and never ends
 * when a form does not.
 */
export function guardBodies({ apiPrefix }: { apiPrefix: string }) {
  // Strapi's router ignores case.
  const prefixes = [`/${PLUGIN_ID}/`, `${apiPrefix}/${PLUGIN_ID}/`.toLowerCase()];
  return async (ctx: Context, next: Next): Promise<void> => {
    const isOurs = prefixes.some((prefix) => ctx.path.toLowerCase().startsWith(prefix));
    if (isOurs && isMultipart(ctx)) {
      Object.defineProperty(ctx.request, 'is', { value: () => false });
    }
    await next();
    const isRouted = 'route' in ctx.state;
    if (isOurs && !isRouted) answerForParser(ctx);
  };
}

const PROTOTYPE_POISONING = 'Object contains forbidden prototype property';

/** Before a request reaches its route, only the parser can fail. */
function answerForParser(ctx: Context): void {
  const { error } = (ctx.body ?? {}) as { error?: { message?: string } };
  if (ctx.status === 400 && error?.message === PROTOTYPE_POISONING) {
    answerInvalid(ctx, 'The body has a key that isn\'t valid: "__proto__".');
  } else if (ctx.status === 500) {
    answerInvalid(ctx, "The body can't be read: check its Content-Type and Content-Encoding.");
  }
}

function answerInvalid(ctx: Context, message: string): void {
  const details = { code: 'invalid-input' satisfies ErrorCode };
  ctx.status = 400;
  ctx.body = { data: null, error: { status: 400, name: 'ValidationError', message, details } };
}

export function isMultipart(ctx: Context): boolean {
  return /^\s*multipart\//i.test(ctx.get('Content-Type'));
}

/**
 * Reads a form (RFC 7578) into memory.
 *
 * @throws ImageSearchError `invalid-input` for anything but a complete form, `image-too-large` for one that is larger than
 * an image of `maxImageBytes` and its fields can be, `aborted` when the caller hangs up
 */
export async function readMultipart(ctx: Context, maxImageBytes: number): Promise<MultipartForm> {
  const boundary = readBoundary(ctx.get('Content-Type'));
  return parseForm(await readBytes(ctx, maxImageBytes), boundary);
}

function readBoundary(contentType: string): string {
  if (!/^\s*multipart\/form-data\s*(;|$)/i.test(contentType)) {
    throw inputError('Content-Type: only multipart/form-data is supported of multipart types.');
  }
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? '';
  if (boundary !== '' && boundary.length <= LONGEST_BOUNDARY) return boundary;
  throw inputError(
    `Content-Type: multipart/form-data needs a boundary of 1 to ${String(LONGEST_BOUNDARY)} characters.`,
  );
}

async function readBytes(ctx: Context, maxImageBytes: number): Promise<Buffer> {
  const limit = maxImageBytes + MAX_OTHER_BYTES;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of ctx.req.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Buffer;
      length += bytes.length;
      if (length > limit) break;
      chunks.push(bytes);
    }
  } catch (error) {
    throw abortedError(error);
  }
  if (length <= limit) return Buffer.concat(chunks, length);
  // A client reads no response before it has sent everything.
  ctx.req.resume();
  throw new ImageSearchError({
    code: 'image-too-large',
    message: `image: the request has more than ${String(limit)} bytes; an image may have at most ${String(maxImageBytes)} (search.maxImageBytes).`,
  });
}

function parseForm(body: Buffer, boundary: string): MultipartForm {
  const form: MultipartForm = { fields: Object.create(null) as MultipartForm['fields'], files: [] };
  const delimiter = Buffer.from(`${LINE_END}--${boundary}`);
  // The first delimiter may be at the very start, without a line end before it.
  const isAtStart = body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2));
  let position = isAtStart ? delimiter.length - 2 : endOf(body, delimiter, 0);
  for (let parts = 0; ; parts += 1) {
    const next = body.toString('latin1', position, position + 2);
    if (next === '--') return form;
    if (next !== LINE_END) throw brokenForm('a line of its boundary has more than the boundary');
    if (parts >= MAX_PARTS) throw inputError(`A form may have at most ${String(MAX_PARTS)} parts.`);
    const partEnd = endOf(body, delimiter, position);
    addPart(form, body.subarray(position, partEnd - delimiter.length));
    position = partEnd;
  }
}

/** Where the next delimiter ends. */
function endOf(body: Buffer, delimiter: Buffer, start: number): number {
  const found = body.indexOf(delimiter, start);
  if (found === -1) throw brokenForm('it ends before its last boundary');
  return found + delimiter.length;
}

/** @param part from the line end after its boundary to its last byte */
function addPart({ fields, files }: MultipartForm, part: Buffer): void {
  const headEnd = part.indexOf(HEAD_END);
  if (headEnd === -1) throw brokenForm('a part has no headers');
  if (headEnd > MAX_HEAD_BYTES) throw brokenForm('the headers of a part are too long');
  const headers = part.toString('utf8', 0, headEnd).split(LINE_END);
  const disposition = headerOf(headers, 'content-disposition');
  const name = parameterOf(disposition, 'name');
  if (!/^form-data\b/i.test(disposition) || name === null) {
    throw brokenForm('a part has no name in its Content-Disposition');
  }
  const raw = part.subarray(headEnd + HEAD_END.length);
  const isBase64 = headerOf(headers, 'content-transfer-encoding').toLowerCase() === 'base64';
  const bytes = isBase64 ? Buffer.from(raw.toString('latin1'), 'base64') : raw;
  // Some clients send a file without its content type, others without its name.
  const isFile =
    parameterOf(disposition, 'filename') !== null ||
    /filename\*=/i.test(disposition) ||
    /^(image\/|application\/octet-stream)/i.test(headerOf(headers, 'content-type'));
  if (isFile) {
    files.push({ name, bytes });
    return;
  }
  const former = fields[name];
  const text = bytes.toString('utf8');
  fields[name] = former === undefined ? text : [former, text].flat();
}

function headerOf(headers: readonly string[], name: string): string {
  const line = headers.find((header) => header.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}

/** A parameter of a header; null without it. */
function parameterOf(header: string, name: string): string | null {
  const found = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;]*))`, 'i').exec(header);
  if (!found) return null;
  return (found[1] ?? found[2] ?? '').replace(/\\(["\\])/g, '$1').replace(/%22/g, '"');
}

function brokenForm(problem: string): ImageSearchError {
  return inputError(`The multipart/form-data body is damaged: ${problem}.`);
}
