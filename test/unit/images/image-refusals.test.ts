import { deflateSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import {
  BLUE,
  clip224,
  limits,
  noise,
  plain,
  pngOf,
  reader,
  readPixels,
  RED,
  untouched,
  zeroPng,
} from './images';

describe('bytes that are not an image', () => {
  it.each([
    ['an empty file', Buffer.alloc(0), 'is empty'],
    ['a text', Buffer.from('These are no pixels.'), "isn't an image"],
    [
      'a web page',
      Buffer.from('<!doctype html><html><body><svg></svg>404</body></html>'),
      'this is an HTML page, not an image',
    ],
    [
      'an XHTML page',
      Buffer.from('\ufeff<?xml version="1.0"?>\n<!-- error -->\n<html><body>404</body></html>'),
      'this is an HTML page, not an image',
    ],
    ['zeros', Buffer.alloc(4_000), "isn't an image"],
  ])('rejects %s', async (_, bytes, reason) => {
    const failed = reader.read(bytes, { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-unreadable', retryable: false });
    await expect(failed).rejects.toThrow(reason);
  });

  it.each([
    ['BMP images', latin('BM')],
    ['PSD images', latin('8BPS\0\x01')],
    ['TGA images', targa(20, 10)],
    ['TGA images', Buffer.concat([Buffer.alloc(99), latin('TRUEVISION-XFILE.\0')])],
    ['PCX images', latin('\x0a\x05\x01\x08')],
    ['PNM images', latin('P6\n20 10\n255\n')],
    ['CUR images', cursor()],
    ['ICO images', latin('\0\0\x01\0\x01\0')],
    ['ICNS images', latin('icns\0\0\x01\0')],
    ['EXR images', latin('\x76\x2f\x31\x01\x02\0\0\0')],
    ['HDR images', latin('#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n')],
    ['QOI images', latin('qoif\0\0\0\x14')],
    ['DIB images', bitmapWithoutFileHeader()],
    ['JPEG XL images', latin('\xff\x0a\xfa')],
    ['JPEG 2000 images', latin('\0\0\0\x0cjP  \r\n')],
    ['DICOM images', Buffer.concat([Buffer.alloc(128), latin('DICM')])],
    ['MP4 videos', latin('\0\0\0\x20ftypisom')],
    ['ZIP archives', latin('PK\x03\x04')],
  ])('skips %s by name', async (files, start) => {
    const bytes = Buffer.concat([start, Buffer.alloc(99)]);
    const failed = reader.read(files === 'TGA images' ? start : bytes, { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-unsupported', retryable: false });
    await expect(failed).rejects.toThrow(`${files} can't be decoded.`);
  });

  it.each(['jpeg', 'webp', 'gif', 'avif'] as const)(
    'says that a %s is truncated',
    async (format) => {
      const bytes = await noise(300, 200).toFormat(format).toBuffer();
      const failed = reader.read(bytes.subarray(0, bytes.length / 2), { preparation: clip224 });
      await expect(failed).rejects.toMatchObject({ code: 'image-unreadable', retryable: false });
      await expect(failed).rejects.toThrow('truncated');
    },
  );

  it.each(['png', 'tiff'] as const)('rejects half a %s', async (format) => {
    const bytes = await noise(300, 200).toFormat(format).toBuffer();
    await expect(
      reader.read(bytes.subarray(0, bytes.length / 2), { preparation: clip224 }),
    ).rejects.toMatchObject({ code: 'image-unreadable' });
  });

  it("rejects a damaged file with the decoder's error as the cause", async () => {
    const bytes = await noise(300, 200).png().toBuffer();
    bytes.fill(0x5a, 50_000, 50_050);
    const error: unknown = await reader
      .read(bytes, { preparation: clip224 })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'image-unreadable', cause: expect.any(Error) });
    expect(String(error)).not.toMatch(/vips|libpng/i);
  });

  it('accepts an image with harmless bytes after it', async () => {
    const bytes = Buffer.concat([await noise(30, 20).jpeg().toBuffer(), Buffer.alloc(500, 7)]);
    await expect(reader.read(bytes, { preparation: clip224 })).resolves.toBeDefined();
  });
});

describe('limits', () => {
  it('reports the given and the allowed bytes', async () => {
    const failed = reader.read(Buffer.alloc(limits.maxBytes + 1), { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-too-large', retryable: false });
    await expect(failed).rejects.toThrow(/5000001 bytes.*5000000 bytes/);
  });

  it('rejects a bomb of 30,000 × 30,000 pixels by its header', async () => {
    const bomb = zeroPng(30_000, 30_000);
    expect(bomb.length).toBeLessThan(150_000);
    const failed = reader.read(bomb, { preparation: clip224 });
    await expect(failed).rejects.toMatchObject({ code: 'image-too-large' });
    await expect(failed).rejects.toThrow(/30000 × 30000 pixels.*50000000 pixels/);
  });

  it('decodes no more than the header declares', async () => {
    const bytes = pngOf(100, 100, deflateSync(Buffer.alloc(100_000_000)));
    const before = process.memoryUsage().rss;
    await expect(readPixels(bytes)).resolves.toMatchObject({ width: 100, height: 100 });
    expect(process.memoryUsage().rss - before).toBeLessThan(50e6);
  });

  it('rejects an image with less data than its header declares', async () => {
    const bytes = pngOf(5_000, 5_000, deflateSync(Buffer.alloc(1_000)));
    await expect(readPixels(bytes)).rejects.toMatchObject({ code: 'image-unreadable' });
  });

  it('counts only the decoded frame of an animation', async () => {
    const frames = await Promise.all(
      [RED, BLUE].map((color) => plain(20, 10, color).png().toBuffer()),
    );
    const animation = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const strict = createImageReader({ ...limits, maxPixels: 199 });
    await expect(strict.read(animation, { preparation: untouched })).rejects.toThrow(
      /20 × 10 pixels.*199/,
    );
    const exact = createImageReader({ ...limits, maxPixels: 200 });
    await expect(exact.read(animation, { preparation: untouched })).resolves.toBeDefined();
  });

  it('has no limit if none is set', async () => {
    const generous = createImageReader({ ...limits, maxPixels: Infinity, maxBytes: Infinity });
    const bytes = await noise(30, 20).png().toBuffer();
    await expect(generous.read(bytes, { preparation: clip224 })).resolves.toBeDefined();
  });
});

function latin(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** An uncompressed image of 24 bits without a footer. */
function targa(width: number, height: number): Buffer {
  const header = Buffer.alloc(18);
  header[2] = 2;
  header.writeUInt16LE(width, 12);
  header.writeUInt16LE(height, 14);
  header[16] = 24;
  return Buffer.concat([header, Buffer.alloc(width * height * 3, 7)]);
}

/** The directory of a cursor of 32 × 32 pixels. */
function cursor(): Buffer {
  const header = Buffer.from([0, 0, 2, 0, 1, 0, 32, 32, 0, 0, 3, 0, 3, 0, 0, 1, 0, 0, 22, 0, 0, 0]);
  return Buffer.concat([header, Buffer.alloc(256)]);
}

function bitmapWithoutFileHeader(): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(40, 0);
  header.writeInt32LE(8, 4);
  header.writeInt32LE(8, 8);
  header.writeUInt16LE(1, 12);
  header.writeUInt16LE(24, 14);
  return header;
}
