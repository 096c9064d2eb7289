import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { ImagePreparation, ImageRegion } from '../../../plugin/src/images/contract';
import { regionOf, squareAround } from '../../../plugin/src/images/geometry';
import {
  BLUE,
  clip224,
  colorAt,
  noise,
  plain,
  reader,
  RED,
  requirePixels,
  svg,
  untouched,
  WHITE,
  type Color,
} from './images';

const GREEN: Color = [0, 128, 0];
const left: ImageRegion = { x: 0, y: 0, width: 0.5, height: 1 };

/** Red and blue above, green and white below. */
async function quarters(width: number, height: number): Promise<Buffer> {
  const half = { width: width / 2, height: height / 2 };
  const part = async (color: Color, x: number, y: number) => ({
    input: await plain(half.width, half.height, color).png().toBuffer(),
    left: x * half.width,
    top: y * half.height,
  });
  const parts = [await part(BLUE, 1, 0), await part(GREEN, 0, 1), await part(WHITE, 1, 1)];
  return plain(width, height, RED).composite(parts).png().toBuffer();
}

async function read(bytes: Buffer, region: ImageRegion, preparation: ImagePreparation = untouched) {
  const { prepared, size } = await reader.read(bytes, { preparation, region });
  return { image: requirePixels(prepared), size };
}

describe('a part of an image', () => {
  it('is read alone, at the size that it has there', async () => {
    const { image, size } = await read(await quarters(80, 60), {
      x: 0.5,
      y: 0.5,
      width: 0.25,
      height: 0.5,
    });
    expect([image.width, image.height]).toEqual([20, 30]);
    expect(colorAt(image, 10, 10)).toEqual(WHITE);
    expect(size).toEqual({ width: 80, height: 60 });
  });

  it('is that of the image as displayed, whatever its orientation', async () => {
    // Displayed after a quarter turn to the right: green and red above, white and blue below.
    const turned = await sharp(await quarters(80, 60))
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const corner = (x: number, y: number) => ({ x, y, width: 0.5, height: 0.5 });
    const colors = [
      [corner(0, 0), GREEN],
      [corner(0.5, 0), RED],
      [corner(0, 0.5), WHITE],
      [corner(0.5, 0.5), BLUE],
    ] as const;
    for (const [region, color] of colors) {
      const { image } = await read(turned, region);
      expect([image.width, image.height]).toEqual([30, 40]);
      expect(colorAt(image, 5, 5)).toEqual(color);
    }
  });

  it('is what a model would see of an image of its own', async () => {
    const whole = await noise(400, 200).png().toBuffer();
    const part = await sharp(whole)
      .extract({ left: 0, top: 0, width: 200, height: 200 })
      .toBuffer();
    const { image } = await read(whole, left, clip224);
    const { prepared } = await reader.read(part, { preparation: clip224 });
    expect(image.data).toEqual(requirePixels(prepared).data);
  });

  it('grows to a square for a model that crops, and stays as it is for others', async () => {
    const bytes = await quarters(400, 400);
    // A column at the border between red and blue, over the whole height.
    const column = { x: 0.45, y: 0, width: 0.1, height: 1 };
    const { image } = await read(bytes, column, clip224);
    expect(colorAt(image, 20, 20)).toEqual(RED);
    expect(colorAt(image, 200, 200)).toEqual(WHITE);
    const encoded = { kind: 'encoded', mimeType: 'image/png', maxEdge: 100 } as const;
    const { prepared } = await reader.read(bytes, { preparation: encoded, region: column });
    expect([prepared.width, prepared.height]).toEqual([10, 100]);
  });

  it('of a drawing is drawn large enough', async () => {
    const bytes = svg(
      '<rect width="100" height="100" fill="red"/><rect width="10" height="10" fill="blue"/>',
    );
    const { image } = await read(bytes, { x: 0, y: 0, width: 0.2, height: 0.2 }, clip224);
    expect([image.width, image.height]).toEqual([224, 224]);
    expect(colorAt(image, 50, 50)).toEqual(BLUE);
    expect(colorAt(image, 180, 180)).toEqual(RED);
  });

  it('of a very long image is read without a huge raster', async () => {
    const bytes = await plain(20_000, 2, RED).png().toBuffer();
    const { image } = await read(bytes, { x: 0, y: 0, width: 1, height: 1 }, clip224);
    expect(image.data).toHaveLength(224 * 224 * 3);
  });
});

describe('the pixels of a region', () => {
  it('are those that its shares touch, and at least one', () => {
    const size = { width: 10, height: 10 };
    expect(regionOf(size, { x: 0.11, y: 0, width: 0.2, height: 1 })).toEqual({
      left: 1,
      top: 0,
      width: 3,
      height: 10,
    });
    expect(regionOf(size, { x: 1, y: 1, width: 1e-9, height: 1e-9 })).toEqual({
      left: 9,
      top: 9,
      width: 1,
      height: 1,
    });
  });

  it('grow to a square around them, within the image', () => {
    const size = { width: 100, height: 60 };
    const region = { left: 90, top: 0, width: 10, height: 50 };
    expect(squareAround(region, size)).toEqual({ left: 50, top: 0, width: 50, height: 50 });
    const wide = { left: 10, top: 20, width: 80, height: 10 };
    expect(squareAround(wide, size)).toEqual({ left: 10, top: 0, width: 80, height: 60 });
  });
});
