import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { traceRaster } from '../../../plugin/src/images/looks';
import { decodeThumbnail, fingerprintOf } from '../../../plugin/src/images/trace';
import { fingerprintDistance, toWords } from '../../../plugin/src/matching/fingerprint';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';

const images = sampleLibrary.slice(0, 12);

async function rasterOf(image: (typeof images)[number]) {
  const { data, info } = await sharp(await renderSampleImage(image))
    .resize({ width: 301, height: 224, fit: 'fill' })
    .flatten({ background: '#ffffff' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

describe('looks of an image', () => {
  it.each(images)('are nearly those that libvips makes: $fileName', async (image) => {
    const { data, height, width } = await rasterOf(image);
    const shrunk = (size: { width: number; height: number }) =>
      sharp(data, { raw: { width, height, channels: 3 } })
        .resize({ ...size, fit: 'fill' })
        .greyscale()
        .raw()
        .toBuffer();
    const { fingerprint, thumbnail } = traceRaster({
      width,
      height,
      white: data,
      black: null,
      size: { width, height },
    });
    const expected = fingerprintOf(await shrunk({ width: 64, height: 64 }));
    expect(fingerprintDistance(toWords(fingerprint.bits), toWords(expected.bits))).toBeLessThan(8);
    expect(fingerprint.quality).toBeCloseTo(expected.quality, 1);
    const small = decodeThumbnail(thumbnail);
    if (!small) throw new RangeError('The thumbnail has another format.');
    const luminance = await shrunk(small);
    const difference = luminance.reduce(
      (sum, value, place) => sum + Math.abs(value - (small.luminance[place] ?? 0)),
      0,
    );
    // Sixteen levels are up to 8 values apart from what they stand for.
    expect(difference / luminance.length).toBeLessThan(6);
  });

  it('differ on white and on black where the image is transparent', () => {
    const [width, height] = [8, 8];
    const white = new Uint8Array(3 * width * height).fill(255);
    const black = new Uint8Array(3 * width * height);
    const traced = traceRaster({ width, height, white, black, size: { width, height } });
    expect(decodeThumbnail(traced.thumbnail)?.luminance[0]).toBe(255);
    expect(decodeThumbnail(traced.onBlack?.thumbnail ?? '')?.luminance[0]).toBe(0);
  });

  it('of earlier versions are read', () => {
    const [width, height] = [8, 8];
    const white = new Uint8Array(3 * width * height).fill(90);
    const { thumbnail } = traceRaster({
      width,
      height,
      white,
      black: null,
      size: { width, height },
    });
    const bytes = Buffer.from(thumbnail, 'base64');
    bytes[0] = 2;
    expect(decodeThumbnail(bytes.toString('base64'))).toEqual(decodeThumbnail(thumbnail));
    bytes[0] = 1;
    expect(decodeThumbnail(bytes.toString('base64'))).toBeNull();
  });
});
