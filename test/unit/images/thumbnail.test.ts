import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import {
  chromaSize,
  decodeThumbnail,
  encodeThumbnail,
  isCurrentThumbnail,
} from '../../../plugin/src/images/trace';
import { clip224, noise, plain, reader } from './images';

async function thumbnailOf(bytes: Uint8Array): Promise<string> {
  const { thumbnail } = await reader.read(bytes, { preparation: clip224, fingerprint: true });
  if (thumbnail === undefined) throw new Error('Expected a thumbnail.');
  return thumbnail;
}

describe('the thumbnail of an image', () => {
  it.each([
    [480, 480, 48, 48, 1740],
    [400, 300, 48, 36, 1308],
    [300, 900, 16, 48, 588],
    [20, 10, 20, 10, 244],
    [4000, 20, 48, 1, 60],
  ])('of %i × %i pixels has %i × %i', async (width, height, itsWidth, itsHeight, characters) => {
    const text = await thumbnailOf(await noise(width, height).png().toBuffer());
    expect(text).toHaveLength(characters);
    expect(decodeThumbnail(text)).toMatchObject({ width: itsWidth, height: itsHeight });
  });

  it('is upright, like the stored size', async () => {
    const rotated = await noise(300, 150).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const { size, thumbnail } = await reader.read(rotated, {
      preparation: clip224,
      fingerprint: true,
    });
    expect(size).toEqual({ width: 150, height: 300 });
    expect(decodeThumbnail(thumbnail ?? '')).toMatchObject({ width: 24, height: 48 });
  });

  it('shows where an image is bright', async () => {
    const half = await plain(100, 200, [250, 250, 250]).png().toBuffer();
    const image = plain(200, 200, [10, 10, 10]).composite([{ input: half, left: 100, top: 0 }]);
    const thumbnail = decodeThumbnail(await thumbnailOf(await image.png().toBuffer()));
    const row = thumbnail?.luminance.subarray(0, 48) ?? [];
    const near = (value: number): unknown => expect.closeTo(value, -1);
    expect([row[0], row[20], row[27], row[47]]).toEqual([near(10), near(10), near(250), near(250)]);
  });

  it('shows where an image is colored, and with which color', async () => {
    const half = await plain(100, 200, [200, 40, 40]).png().toBuffer();
    const image = plain(200, 200, [40, 60, 200]).composite([{ input: half, left: 100, top: 0 }]);
    const thumbnail = decodeThumbnail(await thumbnailOf(await image.png().toBuffer()));
    expect(thumbnail?.chroma).toMatchObject({ width: 12, height: 12 });
    const { blue, red } = thumbnail?.chroma ?? { blue: [], red: [] };
    const near = (value: number): unknown => expect.closeTo(value, -1);
    expect([blue[1], red[1], blue[10], red[10]]).toEqual([
      near(201),
      near(106),
      near(101),
      near(210),
    ]);
  });

  it('is about the same for a model that squeezes images', async () => {
    const bytes = await sharp(await noise(600, 400).png().toBuffer())
      .blur(6)
      .png()
      .toBuffer();
    const preparation = {
      kind: 'pixels',
      resize: { mode: 'exact', width: 256, height: 256 },
      kernel: 'linear',
    } as const;
    const { thumbnail } = await reader.read(bytes, { preparation, fingerprint: true });
    const one = decodeThumbnail(thumbnail ?? '');
    const other = decodeThumbnail(await thumbnailOf(bytes));
    expect(one).toMatchObject({ width: 48, height: 32 });
    const differences = Array.from(one?.luminance ?? [], (value, place) =>
      Math.abs(value - (other?.luminance[place] ?? Number.NaN)),
    );
    expect(Math.max(...differences)).toBeLessThan(30);
  });
});

describe('the stored form of a thumbnail', () => {
  /** One cell of color for a thumbnail of up to four pixels per side. */
  const chromaOf = (width: number, height: number, blue = 100, red = 140) => {
    const size = chromaSize({ width, height });
    const filled = (value: number) => new Uint8Array(size.width * size.height).fill(value);
    return { ...size, blue: filled(blue), red: filled(red) };
  };

  it('keeps every gray value within half a step of its range', () => {
    const luminance = Uint8Array.from({ length: 35 }, (_, index) => 40 + index * 6);
    const chroma = chromaOf(5, 7);
    const decoded = decodeThumbnail(encodeThumbnail({ width: 5, height: 7, luminance, chroma }));
    expect(Math.max(...differencesOf(luminance, decoded?.luminance))).toBeLessThanOrEqual(
      (34 * 6) / 15 / 2 + 0.5,
    );
  });

  it('keeps every color within half a step of its range', () => {
    const luminance = new Uint8Array(35).fill(1);
    const rising = Uint8Array.from({ length: 35 }, (_, index) => 30 + index * 5);
    const chroma = { width: 5, height: 7, blue: rising, red: rising.toReversed() };
    const decoded = decodeThumbnail(encodeThumbnail({ width: 5, height: 7, luminance, chroma }));
    const most = (34 * 5) / 15 / 2 + 0.5;
    expect(Math.max(...differencesOf(chroma.blue, decoded?.chroma.blue))).toBeLessThanOrEqual(most);
    expect(Math.max(...differencesOf(chroma.red, decoded?.chroma.red))).toBeLessThanOrEqual(most);
  });

  it('preserves a flat image exactly', () => {
    const luminance = new Uint8Array(6).fill(77);
    const flat = { width: 3, height: 2, luminance, chroma: chromaOf(3, 2) };
    expect(decodeThumbnail(encodeThumbnail(flat))).toEqual(flat);
    expect(isCurrentThumbnail(encodeThumbnail(flat))).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['an earlier form', Buffer.from([1, 1, 2, 0, 255, 0]).toString('base64')],
    ['a part', Buffer.from([2, 4, 4, 0, 255, 0]).toString('base64')],
    ['words', 'no thumbnail'],
  ])('is null when it is %s', (_, text) => {
    expect(decodeThumbnail(text)).toBeNull();
    expect(isCurrentThumbnail(text)).toBe(false);
  });
});

function differencesOf(values: Uint8Array, others: Uint8Array | undefined): number[] {
  return Array.from(values, (value, place) => Math.abs(value - (others?.[place] ?? Number.NaN)));
}
