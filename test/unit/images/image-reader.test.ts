import { describe, expect, it } from '@jest/globals';
import { icons as noto } from '@iconify-json/noto';
import sharp, { type Sharp } from 'sharp';
import { hashContent } from '../../../plugin/src/images/trace';
import {
  BLUE,
  clip224,
  colorAt,
  noise,
  plain,
  reader,
  readPixels,
  RED,
  requirePixels,
  svg,
  untouched,
  WHITE,
  type Color,
} from './images';

function expectColor(actual: Color, expected: Color, tolerance: number): void {
  for (const [channel, value] of expected.entries()) {
    expect(Math.abs((actual[channel] ?? Number.NaN) - value)).toBeLessThanOrEqual(tolerance);
  }
}

/** Red on the left, blue on the right. */
async function redAndBlue(width = 60, height = 40): Promise<Sharp> {
  const right = await plain(width / 2, height, BLUE)
    .png()
    .toBuffer();
  const both = await plain(width, height, RED)
    .composite([{ input: right, left: width / 2, top: 0 }])
    .png()
    .toBuffer();
  return sharp(both);
}

describe('formats', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async (format) => {
    const image = await readPixels(
      await (await redAndBlue()).toFormat(format, { quality: 90 }).toBuffer(),
    );
    expect(image).toMatchObject({ width: 60, height: 40 });
    expectColor(colorAt(image, 5, 20), RED, 12);
    expectColor(colorAt(image, 55, 20), BLUE, 12);
  });

  it('reads SVG at the size of the model', async () => {
    const body = noto.icons['red-apple']?.body ?? '';
    const image = await readPixels(
      svg(body, 'viewBox="0 0 128 128" width="16" height="16"'),
      clip224,
    );
    expect(image).toMatchObject({ width: 224, height: 224 });
    const large = await readPixels(
      svg(body, 'viewBox="0 0 128 128" width="2000" height="2000"'),
      clip224,
    );
    const differences = image.data.map((value, index) =>
      Math.abs(value - (large.data[index] ?? 0)),
    );
    // A drawing enlarged from 16 pixels would be off by 20 on average.
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(4);
  });

  it('converts CMYK to sRGB', async () => {
    const cmyk = await (await redAndBlue()).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    const image = await readPixels(cmyk);
    const [red, green, blue] = colorAt(image, 5, 20);
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green, blue)).toBeLessThan(90);
  });

  it('converts 16 bits per channel to 8', async () => {
    const deep = await (await redAndBlue()).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expectColor(colorAt(await readPixels(deep), 5, 20), RED, 1);
  });

  it('converts gray to three channels', async () => {
    const gray = await plain(9, 9, [100, 100, 100]).toColourspace('b-w').png().toBuffer();
    expect((await sharp(gray).metadata()).channels).toBe(1);
    expect(colorAt(await readPixels(gray), 4, 4)).toEqual([100, 100, 100]);
  });

  it('puts transparent areas on white', async () => {
    const clear = await plain(9, 9, RED, 0).webp({ lossless: true }).toBuffer();
    expect(colorAt(await readPixels(clear), 4, 4)).toEqual(WHITE);
    const half = await plain(9, 9, [0, 0, 0], 0.5).png().toBuffer();
    expectColor(colorAt(await readPixels(half), 4, 4), [127, 127, 127], 1);
  });

  it('also reads transparent areas on black when requested', async () => {
    const half = { width: 10, height: 20, left: 0, top: 0 };
    const drawn = plain(20, 20, RED, 0).composite([
      { input: { create: { ...half, channels: 3, background: '#888' } }, left: 0, top: 0 },
    ]);
    const look = (bytes: Buffer) =>
      reader.read(bytes, { preparation: untouched, fingerprint: true });
    const clear = await drawn.png().toBuffer();
    const { onBlack, thumbnail } = await look(clear);
    const saved = async (background: string) =>
      (await look(await sharp(clear).flatten({ background }).png().toBuffer())).thumbnail;
    expect(thumbnail).toBe(await saved('#fff'));
    expect(onBlack?.thumbnail).toBe(await saved('#000'));
    expect((await reader.read(clear, { preparation: untouched })).onBlack).toBeUndefined();

    const gray = await sharp(clear).toColourspace('b-w').png().toBuffer();
    expect((await sharp(gray).metadata()).channels).toBe(2);
    expect((await look(gray)).onBlack).toEqual(onBlack);
    const deep = await sharp(clear).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expect((await look(deep)).onBlack).toEqual(onBlack);
  });

  it('reads an opaque image on white only', async () => {
    const full = await plain(20, 20, RED, 1).png().toBuffer();
    expect((await sharp(full).metadata()).channels).toBe(4);
    const reading = await reader.read(full, { preparation: untouched, fingerprint: true });
    expect(reading.fingerprint).toBeDefined();
    expect(reading.onBlack).toBeUndefined();
  });

  it('reads the first frame of an animation', async () => {
    const frames = await Promise.all(
      [RED, BLUE].map((color) => plain(20, 10, color).png().toBuffer()),
    );
    const animation = await sharp(frames, { join: { animated: true } })
      .gif({ delay: [50, 50] })
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).toBe(2);
    const image = await readPixels(animation);
    expect(image).toMatchObject({ width: 20, height: 10 });
    expectColor(colorAt(image, 10, 5), RED, 2);
  });

  it.each([
    // Where a viewer sees the corner that is stored first, by EXIF orientation.
    [1, 'left', 'top'],
    [2, 'right', 'top'],
    [3, 'right', 'bottom'],
    [4, 'left', 'bottom'],
    [5, 'left', 'top'],
    [6, 'right', 'top'],
    [7, 'right', 'bottom'],
    [8, 'left', 'bottom'],
  ])('rotates an image with orientation %i upright', async (orientation, side, edge) => {
    const corner = await plain(20, 10, RED).png().toBuffer();
    const stored = await plain(60, 40, WHITE)
      .composite([{ input: corner, left: 0, top: 0 }])
      .withMetadata({ orientation })
      .jpeg({ quality: 95 })
      .toBuffer();
    const image = await readPixels(stored);
    const isTurned = orientation >= 5;
    expect(image).toMatchObject(isTurned ? { width: 40, height: 60 } : { width: 60, height: 40 });
    const x = side === 'left' ? 2 : image.width - 3;
    const y = edge === 'top' ? 2 : image.height - 3;
    expectColor(colorAt(image, x, y), RED, 25);
    expectColor(colorAt(image, image.width - 1 - x, image.height - 1 - y), WHITE, 25);
  });
});

describe('preparation', () => {
  it('crops the center to a square', async () => {
    const image = await readPixels(await (await redAndBlue(900, 300)).png().toBuffer(), clip224);
    expect(image).toMatchObject({ width: 224, height: 224 });
    expectColor(colorAt(image, 100, 112), RED, 2);
    expectColor(colorAt(image, 124, 112), BLUE, 2);
  });

  it.each([
    [1, 1],
    [3, 2],
    [30_000, 1],
    [1, 30_000],
  ])('resizes %i × %i to its size', async (width, height) => {
    const bytes = await plain(width, height, RED).png().toBuffer();
    const { prepared, fingerprint } = await reader.read(bytes, {
      preparation: clip224,
      fingerprint: true,
    });
    expectColor(colorAt(requirePixels(prepared), 112, 112), RED, 0);
    expect(prepared).toMatchObject({ width: 224, height: 224 });
    expect(fingerprint?.quality).toBe(0);
  });

  it('rejects proportions that would exhaust memory when nothing is cropped', async () => {
    const bytes = await plain(30_000, 1, RED).png().toBuffer();
    const { kind, resize, kernel } = clip224;
    await expect(
      reader.read(bytes, { preparation: { kind, resize, kernel } }),
    ).rejects.toMatchObject({
      code: 'image-too-large',
    });
  });

  it('pads to the canvas', async () => {
    const image = await readPixels(await plain(80, 40, RED).png().toBuffer(), {
      kind: 'pixels',
      resize: { mode: 'fit', width: 64, height: 64 },
      pad: { width: 64, height: 64, background: [1, 2, 3] },
      kernel: 'lanczos3',
    });
    expect(colorAt(image, 32, 15)).toEqual([1, 2, 3]);
    expectColor(colorAt(image, 32, 16), RED, 1);
    expectColor(colorAt(image, 32, 47), RED, 1);
    expect(colorAt(image, 32, 48)).toEqual([1, 2, 3]);
  });

  it.each(['image/jpeg', 'image/png', 'image/webp'] as const)(
    'makes a small %s copy without metadata',
    async (mimeType) => {
      const bytes = await noise(900, 300).withMetadata({ orientation: 6 }).jpeg().toBuffer();
      const preparation = { kind: 'encoded', mimeType, maxEdge: 300 } as const;
      const { prepared } = await reader.read(bytes, { preparation });
      expect(prepared).toMatchObject({ kind: 'encoded', mimeType, width: 100, height: 300 });
      const metadata = await sharp(prepared.data).metadata();
      expect(metadata).toMatchObject({ width: 100, height: 300, mediaType: mimeType });
      expect(metadata.exif).toBeUndefined();
      expect(metadata.orientation).toBeUndefined();
    },
  );

  it("doesn't enlarge copies", async () => {
    const bytes = await noise(90, 30).png().toBuffer();
    const preparation = { kind: 'encoded', mimeType: 'image/jpeg', maxEdge: 300 } as const;
    const { prepared } = await reader.read(bytes, { preparation });
    expect(prepared).toMatchObject({ width: 90, height: 30 });
  });

  it.each([
    [1, 1, 28, 28],
    [3_000, 4, 300, 28],
    [20, 100, 28, 100],
    [40, 30, 40, 30],
  ])('adds a white margin to a copy of %i × %i if a side is too short', async (...sides) => {
    const [width, height, paddedWidth, paddedHeight] = sides;
    const bytes = await plain(width, height, RED).png().toBuffer();
    const preparation = {
      kind: 'encoded',
      mimeType: 'image/png',
      maxEdge: 300,
      minEdge: 28,
    } as const;
    const { prepared, size } = await reader.read(bytes, { preparation });
    expect(prepared).toMatchObject({ width: paddedWidth, height: paddedHeight });
    expect(size).toEqual({ width, height });
    const { data, info } = await sharp(prepared.data).raw().toBuffer({ resolveWithObject: true });
    const pixel = (x: number, y: number): number[] =>
      [...data.subarray((y * info.width + x) * 3)].slice(0, 3);
    expect(pixel(info.width >> 1, info.height >> 1)).toEqual(RED);
    const isPadded = paddedWidth > width || paddedHeight > height;
    expect(pixel(0, 0)).toEqual(isPadded ? [255, 255, 255] : RED);
  });

  it.each(['image/jpeg', 'image/webp'] as const)(
    'makes a %s copy as small as required by reducing only the quality',
    async (mimeType) => {
      const bytes = await noise(300, 300).png().toBuffer();
      const preparation = { kind: 'encoded', mimeType, maxEdge: 300 } as const;
      const { prepared: best } = await reader.read(bytes, { preparation });
      const maxBytes = Math.floor(best.data.length * 0.7);
      const { prepared } = await reader.read(bytes, { preparation: { ...preparation, maxBytes } });
      expect(prepared).toMatchObject({ width: 300, height: 300 });
      expect(prepared.data.length).toBeLessThanOrEqual(maxBytes);
      await expect(
        reader.read(bytes, { preparation: { ...preparation, maxBytes: 500 } }),
      ).rejects.toMatchObject({ code: 'image-too-large', retryable: false });
    },
  );

  it('keeps the bytes as they are', async () => {
    const bytes = await noise(90, 30).png().toBuffer();
    const before = await hashContent(bytes);
    await reader.read(bytes, { preparation: clip224, fingerprint: true });
    expect(await hashContent(bytes)).toBe(before);
  });
});
