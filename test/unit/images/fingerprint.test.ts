import { describe, expect, it } from '@jest/globals';
import { icons as noto } from '@iconify-json/noto';
import sharp from 'sharp';
import type { ImagePreparation, PerceptualFingerprint } from '../../../plugin/src/images/contract';
import { clip224, noise, plain, reader, svg } from './images';

async function fingerprintOf(
  bytes: Uint8Array,
  preparation: ImagePreparation = clip224,
): Promise<PerceptualFingerprint> {
  const { fingerprint } = await reader.read(bytes, { preparation, fingerprint: true });
  if (fingerprint === undefined) throw new Error('Expected a fingerprint.');
  return fingerprint;
}

function differingBits(one: PerceptualFingerprint, other: PerceptualFingerprint): number {
  const difference = BigInt(`0x${one.bits}`) ^ BigInt(`0x${other.bits}`);
  return difference.toString(2).replaceAll('0', '').length;
}

/** An emoji on a gradient, which has structure at all scales. */
async function image(icon: string): Promise<Buffer> {
  const drawing = svg(
    noto.icons[icon]?.body ?? '',
    'viewBox="0 0 128 128" width="500" height="400"',
  );
  const backdrop = await noise(600, 400).blur(8).png().toBuffer();
  return sharp(backdrop)
    .composite([{ input: await sharp(drawing).png().toBuffer() }])
    .png()
    .toBuffer();
}

describe('the perceptual fingerprint', () => {
  it('has 256 bits in hexadecimal, and a quality', async () => {
    const fingerprint = await fingerprintOf(await image('dog-face'));
    expect(fingerprint.bits).toMatch(/^[0-9a-f]{64}$/);
    expect(fingerprint.quality).toBeGreaterThan(0.5);
    expect(fingerprint.quality).toBeLessThanOrEqual(1);
  });

  it('is omitted unless requested', async () => {
    const reading = await reader.read(await image('dog-face'), { preparation: clip224 });
    expect(reading).not.toHaveProperty('fingerprint');
  });

  it.each([
    ['a smaller copy', (bytes: Buffer) => sharp(bytes).resize(150).png().toBuffer()],
    [
      'a strongly compressed copy',
      (bytes: Buffer) => sharp(bytes).jpeg({ quality: 30 }).toBuffer(),
    ],
    [
      'a brighter copy',
      (bytes: Buffer) => sharp(bytes).modulate({ brightness: 1.15 }).webp().toBuffer(),
    ],
    ['a gray copy', (bytes: Buffer) => sharp(bytes).greyscale().png().toBuffer()],
  ])('stays close for %s', async (_, copy) => {
    const original = await image('dog-face');
    const bits = differingBits(
      await fingerprintOf(original),
      await fingerprintOf(await copy(original)),
    );
    expect(bits).toBeLessThan(26);
  });

  it.each([
    [
      'another model’s pixels',
      { kind: 'pixels', resize: { mode: 'exact', width: 384, height: 384 }, kernel: 'linear' },
    ],
    ['a copy for an API', { kind: 'encoded', mimeType: 'image/jpeg', maxEdge: 512 }],
  ] as [string, ImagePreparation][])('hardly differs for %s', async (_, preparation) => {
    const bytes = await image('dog-face');
    const bits = differingBits(await fingerprintOf(bytes), await fingerprintOf(bytes, preparation));
    expect(bits).toBeLessThan(10);
  });

  it('is far from that of another image', async () => {
    const bits = differingBits(
      await fingerprintOf(await image('dog-face')),
      await fingerprintOf(await image('guitar')),
    );
    expect(bits).toBeGreaterThan(70);
  });

  it('has a low quality for a flat image', async () => {
    const flat = await fingerprintOf(await plain(300, 200, [90, 120, 30]).png().toBuffer());
    expect(flat).toEqual({ bits: '0'.repeat(64), quality: 0 });
  });
});
