import { describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { createJudge, thresholdsFor } from '../../../plugin/src/duplicates/contract';
import { traceOf } from '../../bench/duplicates/traces';
import { reader } from '../images/pictures';

const judge = createJudge(thresholdsFor({ model: 'any' }));

/** Equally light, so that nothing but the hue tells them apart. */
const red = 'rgb(200,40,40)';
const green = 'rgb(30,125,50)';

/** A round thing with a stalk on a table before a wall. */
function drawing(colour: string, wall = 'rgb(90,150,220)'): Buffer {
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">
    <rect width="320" height="240" fill="${wall}"/>
    <rect y="170" width="320" height="70" fill="rgb(210,180,130)"/>
    <rect x="20" y="20" width="60" height="90" fill="rgb(240,230,120)"/>
    <rect x="155" y="50" width="10" height="40" fill="rgb(80,50,20)"/>
    <circle cx="160" cy="135" r="62" fill="${colour}"/>
    <circle cx="140" cy="110" r="12" fill="rgb(240,240,240)"/>
  </svg>`);
}

async function verdictOn(one: Sharp, other: Sharp): Promise<string | undefined> {
  const [first, second] = await Promise.all(
    [one, other].map(async (picture) => traceOf(await picture.png().toBuffer(), reader)),
  );
  if (!first || !second) throw new Error('There are two pictures.');
  return judge.judge(first, second, 1)?.kind;
}

describe('pictures of one outline', () => {
  it('are no duplicates when something has another hue in one of them', async () => {
    expect(await verdictOn(sharp(drawing(red)), sharp(drawing(green)))).toBeUndefined();
    expect(await verdictOn(sharp(drawing(green)), sharp(drawing(red)))).toBeUndefined();
  });

  it('are no duplicates when it has another hue and one is flipped', async () => {
    expect(await verdictOn(sharp(drawing(red)), sharp(drawing(red)).flop())).toBe('variant');
    expect(await verdictOn(sharp(drawing(red)), sharp(drawing(green)).flop())).toBeUndefined();
  });

  it.each<[string, (picture: Sharp) => Sharp]>([
    ['grey', (picture) => picture.greyscale()],
    ['paler', (picture) => picture.modulate({ saturation: 0.5 })],
    ['stronger', (picture) => picture.modulate({ saturation: 1.3 })],
  ])('are the same when one is %s', async (_name, change) => {
    const picture = sharp(drawing(red));
    expect(await verdictOn(picture, change(picture.clone()))).toBe('same-picture');
  });

  it('are the same when one is in a single tone, as old photographs are', async () => {
    const light: [number, number, number] = [0.299, 0.587, 0.114];
    const picture = sharp(drawing(red)).removeAlpha();
    const grey = picture.clone().recomb([light, light, light]);
    const toned = sharp(await grey.png().toBuffer()).linear([1, 1, 1], [-25, 0, 45]);
    expect(await verdictOn(picture, toned)).toBe('same-picture');
  });

  it('are the same when the light is warmer in one, so that a pale blue looks yellow', async () => {
    const picture = sharp(drawing(red, 'rgb(170,190,205)'));
    const warmer = picture.clone().linear([1.15, 1, 0.75], [0, 0, 0]);
    expect(await verdictOn(picture, warmer)).toBe('same-picture');
    expect(await verdictOn(warmer, picture)).toBe('same-picture');
  });
});
