import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { basicColors, colorNames } from '../../../plugin/src/images/contract';
import { minimumShareOf, paletteOf, parseColor, toHex } from '../../../plugin/src/images/palette';
import { createImageReader } from '../../../plugin/src/images/image-reader';
import { renderSampleImage, sampleLibrary } from '../../../sample/library';

const reader = createImageReader({ maxBytes: 1e7, maxPixels: 1e7, timeoutMs: 60_000 }, __dirname);

/** The colors of an image, by what its trace keeps of it. */
async function colorsOf(bytes: Buffer) {
  const { onBlack, thumbnail = null } = await reader.read(bytes, {
    preparation: {
      kind: 'pixels',
      resize: { mode: 'exact', width: 64, height: 64 },
      kernel: 'cubic',
    },
    fingerprint: true,
  });
  return paletteOf({ thumbnail, ...(onBlack && { onBlack }) });
}

/** An SVG of 200 × 160 pixels as PNG, with this ground and these shapes. */
function draw(shapes: string, ground = 'none'): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="160"><rect width="200" height="160" fill="${ground}"/>${shapes}</svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

const disc = (fill: string, radius = 40) =>
  `<circle cx="100" cy="80" r="${String(radius)}" fill="${fill}"/>`;

const namesOf = (colors: Awaited<ReturnType<typeof colorsOf>>) => {
  const shares = new Map<string, number>();
  for (const { name, share } of colors) shares.set(name, (shares.get(name) ?? 0) + share);
  return colorNames.filter((name) => (shares.get(name) ?? 0) >= minimumShareOf(name));
};

describe('dominant colors', () => {
  it.each(['#ffffff', '#000000', '#808080', '#00aa77', '#d92626', '#2563d9', '#f7d417'])(
    'reads and writes %s, rounded',
    (hex) => {
      const channels = (color: string) => [...Buffer.from(color.slice(1), 'hex')];
      const written = channels(toHex(parseColor(hex)));
      for (const [index, channel] of channels(hex).entries()) {
        expect(Math.abs(channel - Number(written[index]))).toBeLessThanOrEqual(2);
      }
    },
  );

  it('takes short forms and names', () => {
    expect(parseColor('0a7')).toEqual(parseColor('#00aa77'));
    for (const name of colorNames) expect(parseColor(name)).toEqual(parseColor(basicColors[name]));
    expect(colorNames.map((name) => parseColor(name).name)).toEqual([...colorNames]);
  });

  it.each([
    ['white', 'white'],
    ['black', 'black'],
    ['transparent', 'none'],
  ])('are those of a product on %s', async (_name, ground) => {
    const colors = await colorsOf(await draw(disc('#2e9e4f'), ground));
    expect(namesOf(colors)).toEqual(['green']);
    expect(colors[0]?.share).toBeGreaterThan(600);
  });

  it.each([
    ['white on white', disc('#ffffff'), 'white', 'white'],
    ['black on black', disc('#050505'), 'black', 'black'],
    ['nothing at all', '', 'none', 'white'],
    ['a dot on white', disc('#d92626', 8), 'white', 'white'],
    ['white on blue', disc('#ffffff', 20), '#2563d9', 'blue'],
  ])('are those of the whole image of %s', async (_name, shape, ground, expected) => {
    expect(namesOf(await colorsOf(await draw(shape, ground)))).toEqual([expected]);
  });

  it('have shares of the whole, largest first, and no more than five', async () => {
    const stripes = ['#d92626', '#2563d9', '#f7d417', '#2e9e4f', '#8e3fc0', '#f58220', '#f06fa7']
      .map(
        (fill, index) => `<rect x="${String(30 * index)}" width="30" height="160" fill="${fill}"/>`,
      )
      .join('');
    const colors = await colorsOf(await draw(stripes));
    const shares = colors.map(({ share }) => share);
    expect(colors).toHaveLength(5);
    expect(shares).toEqual(shares.toSorted((one, other) => other - one));
    const [half, other] = await colorsOf(
      await draw('<rect width="120" height="160" fill="#d92626"/>', '#2563d9'),
    );
    expect([half?.name, other?.name]).toEqual(['red', 'blue']);
    expect(Math.abs(Number(half?.share) - 600)).toBeLessThan(60);
  });

  it('need a thumbnail', () => {
    expect(paletteOf({ thumbnail: null })).toEqual([]);
    expect(paletteOf({ thumbnail: 'AAAA' })).toEqual([]);
  });
});

/** What a person says of these images, which have colored grounds, too. */
const seen: Record<string, string> = {
  red: 'red-apple tomato strawberry cherries fire-engine backpack rose balloon toolbox octopus teapot',
  orange: 'tangerine carrot basketball fox peach',
  yellow: 'lemon sunflower baby-chick star bell key pencil light-bulb corn taxi',
  green: 'green-apple pear broccoli cactus frog crocodile evergreen-tree turtle four-leaf-clover',
  blue: 'blueberries jeans t-shirt dress spouting-whale dolphin bucket running-shoe luggage butterfly',
  purple: 'grapes eggplant',
  pink: 'flamingo cherry-blossom tulip hibiscus',
  brown: 'bear handbag coat teddy-bear hiking-boot owl football goat',
};

/** What the images of a color may have beside it: shadows, leaves, and what its edges mix with. */
const neighbors: Record<string, string> = {
  red: 'red orange pink brown green yellow blue',
  orange: 'red orange yellow brown green pink',
  yellow: 'orange yellow brown green',
  green: 'green yellow brown blue',
  blue: 'blue purple green brown',
  purple: 'purple blue green',
  pink: 'pink red green',
  brown: 'brown orange red yellow',
};

describe('dominant colors of the sample library', () => {
  it.each(Object.entries(seen))('have %s as people do', async (color, concepts) => {
    const wanted = concepts.split(' ');
    const images = sampleLibrary.filter(({ concept }) => wanted.includes(concept));
    expect(images.length).toBeGreaterThan(1);
    const missed: string[] = [];
    const others = Object.keys(seen).filter((other) => !neighbors[color]?.includes(other));
    for (const image of images) {
      const names: string[] = namesOf(await colorsOf(await renderSampleImage(image)));
      if (!names.includes(color) || names.some((name) => others.includes(name)))
        missed.push(`${image.fileName}: ${names.join()}`);
    }
    expect(missed).toEqual([]);
  });
});
