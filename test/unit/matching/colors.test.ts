import { describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { createJudge, thresholdsFor } from '../../../plugin/src/matching/verdict';
import { traceOf } from '../../bench/duplicates/traces';
import { reader } from '../images/images';

const judge = createJudge(thresholdsFor({ model: 'any' }));

/** Equally bright, so they only differ in hue. */
const red = 'rgb(200,40,40)';
const green = 'rgb(30,125,50)';

/** A round object with a stem, on a table in front of a wall. */
function drawing(color: string, wall = 'rgb(90,150,220)'): Buffer {
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">
    <rect width="320" height="240" fill="${wall}"/>
    <rect y="170" width="320" height="70" fill="rgb(210,180,130)"/>
    <rect x="20" y="20" width="60" height="90" fill="rgb(240,230,120)"/>
    <rect x="155" y="50" width="10" height="40" fill="rgb(80,50,20)"/>
    <circle cx="160" cy="135" r="62" fill="${color}"/>
    <circle cx="140" cy="110" r="12" fill="rgb(240,240,240)"/>
  </svg>`);
}

async function verdictOn(one: Sharp, other: Sharp): Promise<string | undefined> {
  const [first, second] = await Promise.all(
    [one, other].map(async (image) => traceOf(await image.png().toBuffer(), reader)),
  );
  if (!first || !second) throw new Error('There are two images.');
  return judge.judge(first, second, 1)?.kind;
}

describe('images with the same outline', () => {
  it("aren't duplicates when an object has a different hue", async () => {
    expect(await verdictOn(sharp(drawing(red)), sharp(drawing(green)))).toBeUndefined();
    expect(await verdictOn(sharp(drawing(green)), sharp(drawing(red)))).toBeUndefined();
  });

  it("aren't duplicates when it has a different hue and one is mirrored", async () => {
    expect(await verdictOn(sharp(drawing(red)), sharp(drawing(red)).flop())).toBe('edited');
    expect(await verdictOn(sharp(drawing(red)), sharp(drawing(green)).flop())).toBeUndefined();
  });

  it.each<[string, (image: Sharp) => Sharp]>([
    ['gray', (image) => image.greyscale()],
    ['paler', (image) => image.modulate({ saturation: 0.5 })],
    ['stronger', (image) => image.modulate({ saturation: 1.3 })],
  ])('are the same when one is %s', async (_name, change) => {
    const image = sharp(drawing(red));
    expect(await verdictOn(image, change(image.clone()))).toBe('same-image');
  });

  it('are the same image when one is monochrome', async () => {
    const light: [number, number, number] = [0.299, 0.587, 0.114];
    const image = sharp(drawing(red)).removeAlpha();
    const gray = image.clone().recomb([light, light, light]);
    const toned = sharp(await gray.png().toBuffer()).linear([1, 1, 1], [-25, 0, 45]);
    expect(await verdictOn(image, toned)).toBe('same-image');
  });

  it('are the same image in warmer light, which turns pale blue into yellow', async () => {
    const image = sharp(drawing(red, 'rgb(170,190,205)'));
    const warmer = image.clone().linear([1.15, 1, 0.75], [0, 0, 0]);
    expect(await verdictOn(image, warmer)).toBe('same-image');
    expect(await verdictOn(warmer, image)).toBe('same-image');
  });
});
