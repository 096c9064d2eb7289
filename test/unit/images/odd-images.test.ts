import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { PixelImage } from '../../../plugin/src/images/contract';
import { casesFolder, describeWithCases } from '../../support/paths';
import { clip224, colorAt, noise, plain, reader, readPixels, svg } from './images';
import { tiffOf } from './tiff-file';

const WIDTH = 60;
const HEIGHT = 40;

/** Mean difference of two images, 0 to 255. */
function difference(one: PixelImage, other: PixelImage): number {
  expect(other).toMatchObject({ width: one.width, height: one.height });
  const sum = one.data.reduce(
    (total, value, index) => total + Math.abs(value - (other.data[index] ?? 0)),
    0,
  );
  return sum / one.data.length;
}

/** A ramp from dark to light, from left to right: each pixel is a share of white. */
function ramp<Result>(toSample: (share: number) => Result): Result[] {
  return Array.from({ length: WIDTH * HEIGHT }, (_, place) =>
    toSample(0.1 + (0.8 * (place % WIDTH)) / (WIDTH - 1)),
  );
}

function bytesOf(values: ArrayBufferView): Buffer {
  return Buffer.from(values.buffer);
}

describe('an image that vanishes on white', () => {
  const mark = (fill: string, shape: string) =>
    sharp(svg(shape.replaceAll('FILL', fill)))
      .png()
      .toBuffer();
  const disc = '<circle cx="50" cy="50" r="40" fill="FILL"/>';
  const bar = '<rect x="10" y="40" width="80" height="20" fill="FILL"/>';

  it.each(['#fff', '#f4f4f0'])('is shown on black (%s)', async (fill) => {
    const images = await Promise.all(
      [disc, bar].map(async (shape) => readPixels(await mark(fill, shape))),
    );
    for (const image of images) {
      expect(colorAt(image, 0, 0)).toEqual([0, 0, 0]);
      expect(Math.min(...colorAt(image, 50, 50))).toBeGreaterThan(230);
    }
  });

  it.each(['#000', '#e11', '#ff0', '#888'])(
    'is left on white if it shows there (%s)',
    async (fill) => {
      expect(colorAt(await readPixels(await mark(fill, disc)), 0, 0)).toEqual([255, 255, 255]);
    },
  );

  it('is left on white if a tenth of it shows there', async () => {
    const both = `${disc}<circle cx="50" cy="50" r="16" fill="#c00"/>`;
    expect(colorAt(await readPixels(await mark('#fff', both)), 0, 0)).toEqual([255, 255, 255]);
  });

  it('is left on white if it shows less on black', async () => {
    const faint = '<circle cx="50" cy="50" r="40" fill="#000" fill-opacity=".08"/>';
    expect(colorAt(await readPixels(await mark('#000', faint)), 0, 0)).toEqual([255, 255, 255]);
  });

  it('is shown on black in copies for an API, margin included', async () => {
    const preparation = {
      kind: 'encoded',
      mimeType: 'image/png',
      maxEdge: 100,
      minEdge: 120,
    } as const;
    const { prepared } = await reader.read(await mark('#fff', disc), { preparation });
    const { data } = await sharp(prepared.data).raw().toBuffer({ resolveWithObject: true });
    expect([...data.subarray(0, 3)]).toEqual([0, 0, 0]);
  });

  it('is fingerprinted as before: on white and on black', async () => {
    const bytes = await mark('#fff', disc);
    const trace = async (background: string) =>
      (
        await reader.read(await sharp(bytes).flatten({ background }).png().toBuffer(), {
          preparation: clip224,
          fingerprint: true,
        })
      ).thumbnail;
    const reading = await reader.read(bytes, { preparation: clip224, fingerprint: true });
    expect(reading.thumbnail).toBe(await trace('#fff'));
    expect(reading.onBlack?.thumbnail).toBe(await trace('#000'));
  });

  it('is shown on the ground that its reader names', async () => {
    const image = await readPixels(await mark('#fff', disc), {
      kind: 'pixels',
      resize: { mode: 'none' },
      kernel: 'cubic',
      ground: 'white',
    });
    expect(image.data.every((value) => value === 255)).toBe(true);
  });
});

describe('an animation', () => {
  async function animate(frames: readonly Buffer[], format: 'gif' | 'webp'): Promise<Buffer> {
    return sharp([...frames], { join: { animated: true } })
      .toFormat(format, format === 'webp' ? { lossless: true } : {})
      .toBuffer();
  }
  const black = () => plain(WIDTH, HEIGHT, [0, 0, 0]).png().toBuffer();
  const white = () => plain(WIDTH, HEIGHT, [255, 255, 255]).png().toBuffer();
  const scene = () => noise(WIDTH, HEIGHT).png().toBuffer();

  it.each(['gif', 'webp'] as const)(
    'is represented by its first frame that shows something (%s)',
    async (format) => {
      const still = await readPixels(await scene());
      for (const start of [[await black()], [await black(), await white()]]) {
        const image = await readPixels(
          await animate([...start, await scene(), await black()], format),
        );
        expect(difference(image, still)).toBeLessThan(8);
      }
    },
  );

  it('is represented by its first frame if that shows something', async () => {
    const image = await readPixels(await animate([await scene(), await black()], 'webp'));
    expect(difference(image, await readPixels(await scene()))).toBeLessThan(8);
  });

  it('is represented by its first frame if all are flat', async () => {
    const image = await readPixels(await animate([await white(), await black()], 'webp'));
    expect(colorAt(image, 5, 5)).toEqual([255, 255, 255]);
  });

  it.each(['gif', 'webp'] as const)(
    'is read although a later frame is cut off (%s)',
    async (format) => {
      const whole = await animate(
        [await scene(), await noise(WIDTH, HEIGHT).negate().png().toBuffer()],
        format,
      );
      const image = await readPixels(whole.subarray(0, Math.floor(whole.length * 0.75)));
      expect(difference(image, await readPixels(await scene()))).toBeLessThan(8);
    },
  );

  it('is represented by a later page if it is a TIFF that starts with a blank one', async () => {
    const blank = { width: WIDTH, height: HEIGHT, bits: 8, samples: 1 };
    const bytes = tiffOf({ ...blank, data: Buffer.alloc(WIDTH * HEIGHT, 255) }, [
      { ...blank, data: Buffer.from(ramp((share) => share * 255)) },
    ]);
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    expect(colorAt(await readPixels(bytes), 1, 1)[0]).toBeLessThan(60);
  });
});

describe('a JPEG', () => {
  it('is read without its last two bytes, but not without pixels', async () => {
    const whole = await noise(300, 200).jpeg().toBuffer();
    const cut = whole.subarray(0, whole.length - 2);
    expect(difference(await readPixels(cut), await readPixels(whole))).toBe(0);
    const short = readPixels(whole.subarray(0, whole.length - 200));
    await expect(short).rejects.toMatchObject({ code: 'image-unreadable' });
    await expect(short).rejects.toThrow('truncated');
  });
});

describe('a TIFF', () => {
  const size = { width: WIDTH, height: HEIGHT };
  const gray = { ...size, samples: 1 };

  it.each([
    ['floats up to 1', 32, 3, bytesOf(Float32Array.from(ramp((share) => share)))],
    ['floats up to 255', 32, 3, bytesOf(Float32Array.from(ramp((share) => share * 255)))],
    ['floats up to 65,535', 32, 3, bytesOf(Float32Array.from(ramp((share) => share * 65_535)))],
    ['12 bits in 16', 16, 1, bytesOf(Uint16Array.from(ramp((share) => share * 4_095)))],
    ['10 bits in 16', 16, 1, bytesOf(Uint16Array.from(ramp((share) => share * 1_023)))],
    ['16 bits', 16, 1, bytesOf(Uint16Array.from(ramp((share) => share * 65_535)))],
    ['15 bits and a sign', 16, 2, bytesOf(Int16Array.from(ramp((share) => share * 32_767)))],
    ['32 bits', 32, 1, bytesOf(Uint32Array.from(ramp((share) => share * 65_535)))],
  ])('of gray in %s shows its whole range', async (_, bits, sampleFormat, data) => {
    const image = await readPixels(tiffOf({ ...gray, bits, sampleFormat, data }));
    const expected = await readPixels(
      tiffOf({ ...gray, bits: 8, data: Buffer.from(ramp((share) => share * 255)) }),
    );
    expect(difference(image, expected)).toBeLessThan(2);
  });

  it('of numbers below zero is stretched', async () => {
    const data = bytesOf(Float32Array.from(ramp((share) => 2_000 * share - 1_000)));
    const image = await readPixels(tiffOf({ ...gray, bits: 32, sampleFormat: 3, data }));
    expect(colorAt(image, 0, 0)[0]).toBeLessThan(10);
    expect(colorAt(image, WIDTH - 1, 0)[0]).toBe(255);
  });

  it.each([
    ['a spot color', [0]],
    ['two more channels', [0, 0]],
  ])('with %s shows its colors alone', async (_, extraSamples) => {
    const samples = 3 + extraSamples.length;
    const data = Buffer.from(
      ramp((share) => [share * 255, 100, 200, ...extraSamples.map(() => 0)]).flat(),
    );
    const image = await readPixels(
      tiffOf({ ...size, samples, bits: 8, photometric: 2, extraSamples, data }),
    );
    expect(colorAt(image, 0, 0).slice(1)).toEqual([100, 200]);
    expect(colorAt(image, WIDTH - 1, 0)).toEqual([229, 100, 200]);
  });

  it('keeps transparency that is marked as such, beside further channels', async () => {
    const data = Buffer.from(ramp(() => [0, 0, 0, 0, 9]).flat());
    const image = await readPixels(
      tiffOf({ ...size, samples: 5, bits: 8, photometric: 2, extraSamples: [2, 0], data }),
    );
    expect(colorAt(image, 3, 3)).toEqual([255, 255, 255]);
  });

  it.each([
    ['6 channels', { samples: 6, bits: 8, photometric: 5, extraSamples: [0, 0] }],
    ['12 bits per channel', { samples: 1, bits: 12 }],
    ['64 bits per channel', { samples: 1, bits: 64, sampleFormat: 3 }],
  ])('with %s is refused by that name', async (what, layout) => {
    const data = Buffer.alloc((WIDTH * HEIGHT * layout.samples * layout.bits) / 8, 0x55);
    const failed = readPixels(tiffOf({ ...size, ...layout, data }));
    await expect(failed).rejects.toMatchObject({ code: 'image-unsupported' });
    await expect(failed).rejects.toThrow(`TIFF images with ${what} can't be decoded.`);
  });
});

describeWithCases('the cases', () => {
  const read = (name: string, preparation = clip224) =>
    readPixels(readFileSync(path.join(casesFolder, name)), preparation);
  /** Mean gray levels by which an image may differ from its twin in another codec. */
  const CLOSE = 8;

  it.each([
    ['gif-black-first.gif', 'gif-still.gif'],
    ['webp-black-first.webp', 'gif-still.gif'],
    ['jpeg-no-eoi.jpg', 'scene.jpg'],
    ['gif-bad-second-frame.gif', 'scene.jpg'],
    ['rgb-5band.tif', 'exif-6.tif'],
    ['rgb-spot.tif', 'exif-6.tif'],
    ['greyfloat.tif', 'grey16.tif'],
    ['grey-12in16.tif', 'grey16.tif'],
    ['svg-a4-mm.svg', 'svg-a0-poster-px.svg'],
    ['svg-a0-poster-mm.svg', 'svg-a0-poster-px.svg'],
    ['svg-icon-mm.svg', 'svg-24px.svg'],
    ['svg-no-size.svg', 'svg-plain.svg'],
    ['svg-em.svg', 'svg-plain.svg'],
    ['svg-percent.svg', 'svg-plain.svg'],
    ['svg-illustrator-entities.svg', 'svg-plain.svg'],
    ['exif-6.avif', 'scene.jpg'],
    ['exif-8.jpg', 'scene.jpg'],
  ])('%s shows what %s shows', async (name, twin) => {
    expect(difference(await read(name), await read(twin))).toBeLessThan(CLOSE);
  });

  it('show four white marks as four different images, and black ones as before', async () => {
    const shapes = ['star', 'ring', 'cross', 'tri'];
    const white = await Promise.all(shapes.map((shape) => read(`logo-white-${shape}.png`)));
    for (const [index, mark] of white.entries()) {
      for (const other of white.slice(index + 1))
        expect(difference(mark, other)).toBeGreaterThan(20);
    }
    for (const shape of shapes) {
      const black = await read(`logo-black-${shape}.png`);
      expect(
        difference(black, await read(`logo-black-${shape}.png`, { ...clip224, ground: 'white' })),
      ).toBe(0);
    }
    const drawn = await read('svg-only-white.svg');
    expect(colorAt(drawn, 0, 0)).toEqual([0, 0, 0]);
  });

  it.each([
    ['photo.tga', "TGA images can't be decoded"],
    ['photo.bmp', "BMP images can't be decoded"],
    ['photo.ico', "ICO images can't be decoded"],
    ['photo.jp2', "JPEG 2000 images can't be decoded"],
    ['photo.jxl', "JPEG XL images can't be decoded"],
    ['cmyk-spot2.tif', "TIFF images with 6 channels can't be decoded"],
  ])('%s is skipped', async (name, message) => {
    await expect(read(name)).rejects.toMatchObject({ code: 'image-unsupported' });
    await expect(read(name)).rejects.toThrow(message);
  });

  it('a page named .jpg fails by what it is', async () => {
    await expect(read('html-named.jpg')).rejects.toMatchObject({ code: 'image-unreadable' });
    await expect(read('html-named.jpg')).rejects.toThrow('this is an HTML page, not an image');
  });

  it.each(['jpeg-cut-5percent.jpg', 'jpeg-cut-half.jpg'])('%s is refused', async (name) => {
    await expect(read(name)).rejects.toThrow('truncated');
  });
});
