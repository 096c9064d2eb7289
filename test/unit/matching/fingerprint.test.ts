import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import {
  fingerprintDistance,
  mirroredDistance,
  toWords,
} from '../../../plugin/src/matching/fingerprint';
import { clip224, noise, reader } from '../images/images';

async function words(bytes: Buffer): Promise<Int32Array> {
  const reading = await reader.read(bytes, { preparation: clip224, fingerprint: true });
  return toWords(reading.fingerprint?.bits ?? '');
}

describe('the distance of fingerprints', () => {
  it.each([
    ['0'.repeat(64), '0'.repeat(64), 0],
    ['0'.repeat(64), 'f'.repeat(64), 256],
    [`${'0'.repeat(56)}80000001`, '0'.repeat(64), 2],
    [`f${'0'.repeat(63)}`, `1${'0'.repeat(63)}`, 3],
  ])('counts the bits that differ (%#)', (one, other, distance) => {
    expect(fingerprintDistance(toWords(one), toWords(other))).toBe(distance);
  });

  it('is estimated for a mirrored image without its pixels', async () => {
    const image = await sharp(await noise(400, 300).png().toBuffer())
      .blur(5)
      .png()
      .toBuffer();
    const mirrored = await sharp(image).flop().png().toBuffer();
    const [one, other] = [await words(image), await words(mirrored)];
    expect(mirroredDistance(one, other)).toBeLessThan(60);
    expect(mirroredDistance(one, one)).toBeGreaterThan(80);
  });
});
