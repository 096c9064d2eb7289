import { readFile, stat } from 'node:fs/promises';
import type { Context } from 'koa';
import { ImageSearchError } from '../../../plugin/src/errors';
import { filesOf } from './temporary-files';

const DATA_URL = /^data:([^,]*),/s;
const PICTURE_DATA_URL = /^image\/[\w.+-]+(?:;[\w-]+=[\w.-]+)*;base64$/i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** The bytes of a picture that came as base64 or as a data URL. */
export function decodeImageText(text: string, maxBytes: number): Uint8Array {
  const prefix = DATA_URL.exec(text);
  if (prefix && !PICTURE_DATA_URL.test(prefix[1] ?? '')) {
    throw inputError(
      'image: a data URL must be that of a picture in base64, "data:image/…;base64,…".',
    );
  }
  const base64 = text.slice(prefix?.[0].length ?? 0).replace(/\s+/g, '');
  if (!BASE64.test(base64)) {
    throw inputError('image: must be a picture in base64 or a data URL "data:image/…;base64,…".');
  }
  const bytes = Buffer.from(base64, 'base64');
  refuseLarge(bytes.length, maxBytes);
  return bytes;
}

/** The bytes of the file part `image` of a multipart request; null when there is none. */
export async function readImagePart(ctx: Context, maxBytes: number): Promise<Uint8Array | null> {
  const files = filesOf(ctx);
  const unknown = Object.keys(files).find((name) => name !== 'image');
  if (unknown !== undefined) {
    throw inputError(`${unknown}: is not a file part that is known; send the picture as "image".`);
  }
  const parts = [files['image'] ?? []].flat();
  if (parts.length > 1) throw inputError('image: must be one file, not several.');
  const path = parts[0]?.filepath;
  if (path === undefined) return null;
  const { size } = await stat(path);
  refuseLarge(size, maxBytes);
  return readFile(path);
}

function refuseLarge(size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new ImageSearchError({
    code: 'image-too-large',
    message: `image: has ${String(size)} bytes; at most ${String(maxBytes)} are searched with.`,
    retryable: false,
  });
}

export function inputError(message: string): ImageSearchError {
  return new ImageSearchError({ code: 'invalid-input', message, retryable: false });
}
