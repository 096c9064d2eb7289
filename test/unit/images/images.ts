import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import type {
  PixelImage,
  PixelPreparation,
  PreparedImage,
} from '../../../plugin/src/images/contract';
import { createImageReader } from '../../../plugin/src/images/image-reader';

export const limits = { maxBytes: 5_000_000, maxPixels: 50_000_000, timeoutMs: 20_000 };
export const reader = createImageReader(limits);

/** Unchanged pixels. */
export const untouched: PixelPreparation = {
  kind: 'pixels',
  resize: { mode: 'none' },
  kernel: 'cubic',
};

/** Preprocessed for CLIP. */
export const clip224: PixelPreparation = {
  kind: 'pixels',
  resize: { mode: 'shortest-edge', size: 224 },
  crop: { width: 224, height: 224 },
  kernel: 'cubic',
};

export type Color = [red: number, green: number, blue: number];

export const RED: Color = [255, 0, 0];
export const BLUE: Color = [0, 0, 255];
export const WHITE: Color = [255, 255, 255];

export async function readPixels(bytes: Uint8Array, preparation = untouched): Promise<PixelImage> {
  return requirePixels((await reader.read(bytes, { preparation })).prepared);
}

/** Throws for other images, and if the number of pixels doesn't match the size. */
export function requirePixels(image: PreparedImage): PixelImage {
  if (image.kind !== 'pixels') throw new Error('Expected pixels.');
  const { data, height, width } = image;
  if (data.length !== width * height * 3)
    throw new Error('There are not as many pixels as the size says.');
  return image;
}

/** Deterministic noise on a gradient. It compresses badly, so files are long enough to truncate or damage. */
export function noise(width: number, height: number): Sharp {
  let state = 12_345;
  const data = new Uint8Array(width * height * 3);
  for (let index = 0; index < data.length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    data[index] = (Math.floor((index / data.length) * 160) + (state >>> 24) / 3) & 255;
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

export function plain(width: number, height: number, [r, g, b]: Color, alpha?: number): Sharp {
  return alpha === undefined
    ? sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
    : sharp({ create: { width, height, channels: 4, background: { r, g, b, alpha } } });
}

/** Color of a pixel of interleaved RGB. */
export function colorAt(
  { width, data }: { width: number; data: Uint8Array },
  x: number,
  y: number,
): Color {
  const offset = (y * width + x) * 3;
  const [red = Number.NaN, green = Number.NaN, blue = Number.NaN] = data.subarray(
    offset,
    offset + 3,
  );
  return [red, green, blue];
}

/** A complete, valid PNG file with one bit per pixel, all zeros. */
export function zeroPng(width: number, height: number): Buffer {
  const row = Math.ceil(width / 8) + 1;
  return pngOf(width, height, deflateSync(Buffer.alloc(row * height), { level: 9 }));
}

/** A PNG file with this pixel data and any header. */
export function pngOf(width: number, height: number, pixels: Buffer): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(1, 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', pixels),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

export function svg(body: string, attributes = 'width="100" height="100"', prolog = ''): Buffer {
  return Buffer.from(
    `${prolog}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${attributes}>${body}</svg>`,
  );
}
