import { Busboy } from '@fastify/busboy';
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
  const contentType = ctx.get('Content-Type');
  checkBoundary(contentType);
  return parseForm(await readBytes(ctx, maxImageBytes), contentType);
}

function checkBoundary(contentType: string): void {
  if (!/^\s*multipart\/form-data\s*(;|$)/i.test(contentType)) {
    throw inputError('Content-Type: only multipart/form-data is supported of multipart types.');
  }
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? '';
  if (boundary !== '' && boundary.length <= LONGEST_BOUNDARY) return;
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

function parseForm(body: Buffer, contentType: string): Promise<MultipartForm> {
  const form: MultipartForm = { fields: Object.create(null) as MultipartForm['fields'], files: [] };
  return new Promise((resolve, reject) => {
    const parser = new Busboy({
      headers: { 'content-type': contentType.trim() },
      limits: { headerSize: MAX_HEAD_BYTES, fieldSize: body.length, parts: MAX_PARTS },
      // Some clients send a file without its content type, others without its name.
      isPartAFile: (_name, type, fileName) =>
        fileName !== undefined || /^(image\/|application\/octet-stream)/i.test(type ?? ''),
    });
    parser
      .on('file', (name, file, _fileName, encoding) => {
        const chunks: Buffer[] = [];
        file
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .once('error', (error) => {
            reject(brokenForm(error));
          })
          .once('end', () => {
            const bytes = Buffer.concat(chunks);
            const isBase64 = encoding === 'base64';
            form.files.push({
              name,
              bytes: isBase64 ? Buffer.from(bytes.toString('latin1'), 'base64') : bytes,
            });
          });
      })
      .on('field', (name, text) => {
        const former = form.fields[name];
        form.fields[name] = former === undefined ? text : [former, text].flat();
      })
      .once('partsLimit', () => {
        reject(inputError(`A form may have at most ${String(MAX_PARTS)} parts.`));
      })
      .once('error', (error) => {
        reject(brokenForm(error));
      })
      .once('finish', () => {
        resolve(form);
      });
    parser.end(body);
  });
}

function brokenForm(error: unknown): ImageSearchError {
  const reason = error instanceof Error ? error.message : String(error);
  return inputError(`The multipart/form-data body is damaged or incomplete (${reason}).`);
}
