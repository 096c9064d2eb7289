import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import type { PixelImage } from '../../../plugin/src/images/contract';
import { isHeic } from '../../../plugin/src/images/heic';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import { casesFolder, describeWithCases } from '../../support/paths';
import { heicOf } from './heic-file';
import { clip224, limits, plain, reader, readPixels, untouched } from './images';

const start = (...brands: string[]): Buffer =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 8 + 4 * (brands.length + 1)]),
    Buffer.from(`ftyp${brands[0] ?? ''}\0\0\0\0${brands.slice(1).join('')}`, 'latin1'),
    Buffer.alloc(99),
  ]);

describe('HEIC', () => {
  it.each([
    [true, ['heic', 'mif1', 'heic']],
    [true, ['mif1', 'mif1', 'heic']],
    [true, ['msf1', 'hevc']],
    [false, ['avif', 'mif1', 'avif']],
    [false, ['mif1', 'avif']],
    [false, ['isom', 'mp41']],
  ])('is recognized by its brands (%s: %s)', (expected, brands) => {
    expect(isHeic(start(...brands))).toBe(expected);
  });

  it("isn't an AVIF", async () => {
    expect(isHeic(await plain(20, 10, [9, 9, 9]).avif().toBuffer())).toBe(false);
  });

  describe('without its decoder', () => {
    let project: string;
    beforeAll(() => {
      project = mkdtempSync(path.join(tmpdir(), 'image-search-project-'));
    });
    afterAll(() => {
      rmSync(project, { recursive: true });
    });

    it.each([
      ['npm@11.0.0', 'npm install heic-decode'],
      ['pnpm@10.4.1', 'pnpm add heic-decode'],
      ['yarn@4.1.0', 'yarn add heic-decode'],
    ])('is skipped with the command that installs it (%s)', async (packageManager, command) => {
      writeFileSync(path.join(project, 'package.json'), JSON.stringify({ packageManager }));
      const bare = createImageReader(limits, project);
      const failed = bare.read(start('heic', 'mif1'), { preparation: clip224 });
      await expect(failed).rejects.toMatchObject({
        code: 'image-decoder-missing',
        retryable: false,
        traits: { isSkipped: true },
      });
      await expect(failed).rejects.toThrow(`Run "${command}"`);
    });
  });
});

/** Mean difference, 0 to 255. */
function difference(one: PixelImage, toOther: (place: number) => number): number {
  return (
    one.data.reduce((sum, value, place) => sum + Math.abs(value - toOther(place)), 0) /
    one.data.length
  );
}

describeWithCases('HEIC with its decoder', () => {
  let photo: Buffer;
  beforeAll(() => {
    photo = readFileSync(path.join(casesFolder, 'photo.heic'));
  });

  it.each(['photo.heic', 'heic-named.jpg'])('%s shows its scene', async (name) => {
    const image = await readPixels(readFileSync(path.join(casesFolder, name)), clip224);
    const scene = await readPixels(readFileSync(path.join(casesFolder, 'scene.jpg')), clip224);
    expect(difference(image, (place) => scene.data[place] ?? 0)).toBeLessThan(4);
  });

  it('is fingerprinted, and has its displayed size', async () => {
    const turned = heicOf(photo, { quarterTurns: 1, brand: 'heim' });
    const reading = await reader.read(turned, { preparation: clip224, fingerprint: true });
    expect(reading.size).toEqual({ width: 320, height: 480 });
    expect(reading.fingerprint?.quality).toBeGreaterThan(0.5);
  });

  it('is turned upright', async () => {
    const [image, turned] = await Promise.all(
      [0, 1].map((quarterTurns) => readPixels(heicOf(photo, { quarterTurns }), untouched)),
    );
    const upright = await sharp(image?.data, { raw: { width: 480, height: 320, channels: 3 } })
      .rotate(270)
      .raw()
      .toBuffer();
    expect(turned).toMatchObject({ width: 320, height: 480 });
    expect(turned && difference(turned, (place) => upright[place] ?? 0)).toBe(0);
  });

  it('is converted from its color profile', async () => {
    const { icc: profile } = await sharp(
      await plain(8, 8, [9, 9, 9]).withIccProfile('p3').jpeg().toBuffer(),
    ).metadata();
    if (!profile) throw new Error('Expected a profile.');
    const plainImage = await readPixels(heicOf(photo, {}), untouched);
    const converted = await readPixels(heicOf(photo, { profile }), untouched);
    const expected = displayP3ToSrgb(plainImage.data);
    expect(difference(converted, (place) => expected[place] ?? 0)).toBeLessThan(1);
    expect(difference(converted, (place) => plainImage.data[place] ?? 0)).toBeGreaterThan(2);
  });

  it('may be a grid of tiles, as phones make them', async () => {
    const grid = heicOf(photo, { grid: { rows: 2, columns: 3 } });
    const { prepared, size } = await reader.read(grid, { preparation: clip224 });
    expect(size).toEqual({ width: 1_440, height: 640 });
    const brightness = ({ data }: { data: Uint8Array }): number =>
      data.reduce((sum, value) => sum + value, 0) / data.length;
    const one = await readPixels(photo, clip224);
    expect(Math.abs(brightness(prepared) - brightness(one))).toBeLessThan(12);
  });

  it('is rejected when it has too many pixels, before any is decoded', async () => {
    const strict = createImageReader({ ...limits, maxPixels: 10_000_000 });
    const failed = strict.read(heicOf(photo, { grid: { rows: 20, columns: 30 } }), {
      preparation: clip224,
    });
    await expect(failed).rejects.toMatchObject({ code: 'image-too-large', retryable: false });
    await expect(failed).rejects.toThrow('14400 × 6400 pixels. The limit is 10000000 pixels.');
  });

  it('is rejected when it is cut off, and given up when it takes too long', async () => {
    const cut = readPixels(photo.subarray(0, photo.length / 2), clip224);
    await expect(cut).rejects.toMatchObject({ code: 'image-unreadable', retryable: false });
    await expect(cut).rejects.toThrow('the HEIC image is damaged');
    const hasty = createImageReader({ ...limits, timeoutMs: 30 });
    const late = hasty.read(photo, { preparation: clip224 });
    await expect(late).rejects.toMatchObject({ code: 'image-unreadable', retryable: true });
  });
});

/** By the primaries of both, with D65 white and sRGB's transfer function. */
function displayP3ToSrgb(data: Uint8Array): Uint8Array {
  const toLinear = (value: number): number =>
    value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const toCode = (value: number): number =>
    value <= 0.003_130_8 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
  const rows = [
    [1.2249, -0.2247, -0.0002],
    [-0.042, 1.0419, 0.0001],
    [-0.0197, -0.0786, 1.0983],
  ];
  const result = new Uint8ClampedArray(data.length);
  for (let place = 0; place < data.length; place += 3) {
    const linear = [0, 1, 2].map((channel) => toLinear((data[place + channel] ?? 0) / 255));
    for (const [channel, row] of rows.entries()) {
      const sum = row.reduce((total, weight, index) => total + weight * (linear[index] ?? 0), 0);
      result[place + channel] = 255 * toCode(Math.max(0, sum));
    }
  }
  return new Uint8Array(result.buffer);
}
