import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { renderSampleImage, sampleLibrary, type SampleImage } from '../../../sample/library';

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function imageOf(concept: string): SampleImage {
  const found = sampleLibrary.find((image) => image.concept === concept);
  if (!found) throw new Error(`no image of ${concept}`);
  return found;
}

const share = (isCounted: (image: SampleImage) => boolean): number =>
  sampleLibrary.filter(isCounted).length / sampleLibrary.length;

describe('sample library', () => {
  it('holds about 300 images under names of their own', () => {
    expect(sampleLibrary.length).toBeGreaterThanOrEqual(290);
    expect(sampleLibrary.length).toBeLessThanOrEqual(320);
    expect(new Set(sampleLibrary.map((image) => image.fileName)).size).toBe(sampleLibrary.length);
  });

  it('rarely gives away in a name or an alternative text what an image shows', () => {
    const tells = (text: string | undefined, { concept }: SampleImage): boolean =>
      text !== undefined &&
      concept.split('-').some((word) => word.length > 2 && text.toLowerCase().includes(word));
    const tellingNames = share((image) => tells(image.fileName, image));
    expect(tellingNames).toBeGreaterThan(0.02);
    expect(tellingNames).toBeLessThan(0.2);
    expect(share((image) => tells(image.alternativeText, image))).toBeLessThan(0.2);
    expect(share((image) => image.alternativeText === undefined)).toBeGreaterThan(0.6);
  });

  it('mixes formats and folders', () => {
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      expect(share((image) => image.mimeType === `image/${format}`)).toBeGreaterThan(0.1);
    }
    expect(new Set(sampleLibrary.map((image) => image.folder)).size).toBeGreaterThan(4);
  });

  it('holds copies of its own images, unedited, re-encoded, resized and cropped', () => {
    const copies = sampleLibrary.filter((image) => image.duplicateOf !== undefined);
    expect(copies.length).toBeGreaterThanOrEqual(15);
    expect(new Set(copies.map((copy) => copy.recipe.edit.kind))).toEqual(
      new Set(['none', 'encode', 'resize', 'crop']),
    );
    for (const copy of copies) {
      const original = sampleLibrary.find((image) => image.fileName === copy.duplicateOf);
      expect(original).toMatchObject({ concept: copy.concept });
      expect(original).not.toHaveProperty('duplicateOf');
    }
  });
});

describe('rendering a sample image', () => {
  it.each(['red-apple', 'owl', 'bread'])('gives the same bytes again: %s', async (concept) => {
    const image = imageOf(concept);
    const [first, second] = [await renderSampleImage(image), await renderSampleImage(image)];
    expect(hash(first)).toBe(hash(second));
  });

  it('gives what the entry says', async () => {
    const chosen = sampleLibrary.filter((_image, index) => index % 25 === 0);
    expect(chosen.length).toBeGreaterThan(8);
    for (const image of chosen) {
      const { format, width, height } = await sharp(await renderSampleImage(image)).metadata();
      expect(`image/${format}`).toBe(image.mimeType);
      expect(Math.min(width, height)).toBeGreaterThanOrEqual(300);
      expect(Math.max(width, height)).toBeLessThanOrEqual(1600);
      expect(Math.max(width, height) / Math.min(width, height)).toBeLessThan(1.51);
    }
  });

  it('gives an unedited copy the bytes of its original, and an edited one others', async () => {
    const copies = sampleLibrary.filter((image) => image.duplicateOf !== undefined);
    const [unedited, edited] = [
      copies.find((copy) => copy.recipe.edit.kind === 'none'),
      copies.find((copy) => copy.recipe.edit.kind === 'crop'),
    ];
    if (!unedited || !edited) throw new Error('no copies');
    const [copied, cropped, originals] = await Promise.all([
      renderSampleImage(unedited),
      renderSampleImage(edited),
      Promise.all([unedited, edited].map((copy) => renderSampleImage(imageOf(copy.concept)))),
    ]);
    expect(hash(copied)).toBe(hash(originals[0] ?? Buffer.alloc(0)));
    expect(hash(cropped)).not.toBe(hash(originals[1] ?? Buffer.alloc(0)));
  });
});
