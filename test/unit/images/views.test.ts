import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { countFurtherViews } from '../../../plugin/src/images/views';
import { BLUE, clip224, noise, plain, reader, requirePixels } from './images';

const limits = { parts: 5, frames: 4, pages: 0, videoFrames: 0 };
const encoded = { kind: 'encoded', mimeType: 'image/png', maxEdge: 64 } as const;

/** Noise at the left end, for as much as is high, and one color for the rest. */
async function banner(width: number, height: number): Promise<Buffer> {
  const subject = await noise(height, height).png().toBuffer();
  return plain(width, height, BLUE)
    .composite([{ input: subject, left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** Frames of one color each, except the noisy ones. No two in a row are equal, as an encoder would join those. */
async function animation(frames: number, noisy: readonly number[]): Promise<Buffer> {
  const pages = Array.from({ length: frames }, async (_, index) => {
    const flat = plain(48, 48, [200 + 20 * (index % 2), 0, 0]);
    const page = noisy.includes(index) ? noise(48, 48).rotate(index < 40 ? 0 : 180) : flat;
    return page.png().toBuffer();
  });
  return sharp(await Promise.all(pages), { join: { animated: true } })
    .gif()
    .toBuffer();
}

async function namesOf(bytes: Buffer, given = limits): Promise<string[]> {
  const { views = [] } = await reader.read(bytes, { preparation: clip224, views: given });
  return views.map(({ kind, number }) => `${kind} ${String(number)}`);
}

describe('further views of an image', () => {
  it.each([
    ['a square', 300, 300, []],
    ['4 : 3', 400, 300, []],
    ['3 : 2', 450, 300, ['part 1', 'part 2']],
    ['2 : 3', 300, 450, ['part 1', 'part 2']],
    // The middle one is the center crop, which the whole image is embedded as.
    ['2.35 : 1', 705, 300, ['part 1', 'part 3']],
    ['3.2 : 1', 960, 300, ['part 1', 'part 2', 'part 3', 'part 4']],
    ['1 : 5', 100, 500, ['part 1', 'part 2', 'part 4', 'part 5']],
    ['20 : 1', 2000, 100, ['part 1', 'part 2', 'part 4', 'part 5']],
    ['a strip that is too thin', 500, 50, []],
  ])('%s', async (_, width, height, expected) => {
    const bytes = await noise(width, height).png().toBuffer();
    await expect(namesOf(bytes)).resolves.toEqual(expected);
    expect(await countFurtherViews(bytes, limits)).toBeGreaterThanOrEqual(expected.length);
  });

  it.each([
    [0, 0],
    [1, 0],
    [2, 2],
    [3, 2],
  ])('are at most as many as configured: %i parts', async (parts, expected) => {
    const bytes = await noise(960, 300).png().toBuffer();
    await expect(
      namesOf(bytes, { parts, frames: 4, pages: 0, videoFrames: 0 }),
    ).resolves.toHaveLength(expected);
  });

  it.each([
    ['resized at once', 5],
    ['too long for that', 12],
  ])('show what is there, in an image %s', async (_, factor) => {
    const height = 300;
    const bytes = await banner(300 * factor, height);
    const { views = [] } = await reader.read(bytes, { preparation: clip224, views: limits });
    // All other parts are flat.
    expect(views.map(({ number }) => number)).toEqual([1]);
    const subject = await noise(height, height).png().toBuffer();
    const { prepared } = await reader.read(subject, { preparation: clip224 });
    const [part, whole] = [requirePixels(views[0]?.prepared ?? prepared), requirePixels(prepared)];
    const difference = part.data.reduce(
      (sum, value, place) => sum + Math.abs(value - (whole.data[place] ?? 0)),
      0,
    );
    expect(difference / part.data.length).toBeLessThan(4);
    expect([part.width, part.height]).toEqual([224, 224]);
  });

  it('include the middle for a model that gets the whole image', async () => {
    const bytes = await noise(705, 300).png().toBuffer();
    const { views = [] } = await reader.read(bytes, { preparation: encoded, views: limits });
    expect(views.map(({ number, prepared: { width, height } }) => [number, width, height])).toEqual(
      [1, 2, 3].map((number) => [number, 64, 64]),
    );
  });

  it('are frames of a long animation that differ', async () => {
    const bytes = await animation(97, [0, 24, 48, 96]);
    await expect(countFurtherViews(bytes, limits)).resolves.toBe(4);
    // Of the frames 25, 49, 73 and 97: the first shows what the whole does, the third is flat, the last like the second.
    await expect(namesOf(bytes)).resolves.toEqual(['frame 49']);
    await expect(
      namesOf(bytes, { parts: 5, frames: 0, pages: 0, videoFrames: 0 }),
    ).resolves.toEqual([]);
    await expect(namesOf(await animation(20, [0, 19]))).resolves.toEqual([]);
  });

  it('are none for what cannot be read, and unknown for what must be drawn first', async () => {
    await expect(countFurtherViews(Buffer.from('no image'), limits)).resolves.toBe(0);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"/>';
    await expect(countFurtherViews(Buffer.from(svg), limits)).resolves.toBe(Infinity);
  });
});
