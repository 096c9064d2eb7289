import sharp from 'sharp';
import type { SeededRandom } from '../../../sample/seeded-random';

/**
 * Stands in for the next photograph of a burst, as there are none at hand: the camera has moved, so that what is near
 * (an ellipse in the middle) has gone one way and what is far the other, and it has come a little closer.
 */
export async function nextOfBurst(image: Buffer, random: SeededRandom): Promise<Buffer> {
  const { data, info } = await sharp(image)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const far = shiftOf(random, { width, least: 0.02, most: 0.04 });
  const near = {
    x: -far.x * random.between(1.5, 3),
    y: far.y + width * random.between(-0.02, 0.02),
  };
  const zoom = random.between(1.01, 1.04);
  const center = { x: width * random.between(0.4, 0.6), y: height * random.between(0.5, 0.65) };
  const radius = { x: width * random.between(0.22, 0.32), y: height * random.between(0.28, 0.4) };
  const result = Buffer.alloc(data.length);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const isNear = ((column - center.x) / radius.x) ** 2 + ((row - center.y) / radius.y) ** 2 < 1;
      const shift = isNear ? near : far;
      const x = clamped((column - width / 2) / zoom + width / 2 + shift.x, width);
      const y = clamped((row - height / 2) / zoom + height / 2 + shift.y, height);
      data.copy(result, (row * width + column) * 3, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  return sharp(result, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 88 })
    .toBuffer();
}

function shiftOf(
  random: SeededRandom,
  { width, least, most }: { width: number; least: number; most: number },
): { x: number; y: number } {
  const sign = random.chance(0.5) ? 1 : -1;
  return { x: sign * width * random.between(least, most), y: width * random.between(-0.01, 0.01) };
}

function clamped(place: number, length: number): number {
  return Math.min(length - 1, Math.max(0, Math.round(place)));
}
