import sharp, { type Sharp } from 'sharp';
import type { SeededRandom } from '../../../sample/seeded-random';

/** The verdict that a picture and its edited copy deserve. */
export type ExpectedKind = 'same-picture' | 'variant';

export interface Edit {
  name: string;
  expected: ExpectedKind;
  /** The same picture and the same random numbers give the same bytes under the same version of sharp. */
  apply: (picture: Buffer, random: SeededRandom) => Promise<Buffer>;
}

/** What becomes of pictures on their way through mail, messengers, editors and content systems. */
export const edits: readonly Edit[] = [
  same('JPEG, quality 30', (picture) => picture.jpeg({ quality: 30 })),
  same('JPEG, quality 75', (picture) => picture.jpeg({ quality: 75 })),
  same('WebP', (picture) => picture.webp({ quality: 75 })),
  same('AVIF', (picture) => picture.avif({ quality: 50, effort: 0 })),
  same('PNG', (picture) => picture.png()),
  resized('resized to 50 %', 0.5),
  resized('resized to 200 %', 2),
  same('brightness +15 %', (picture) => picture.linear(1.15, 0).jpeg({ quality: 90 })),
  same('brightness −15 %', (picture) => picture.linear(0.85, 0).jpeg({ quality: 90 })),
  same('contrast +15 %', (picture) => picture.linear(1.15, -0.15 * 128).jpeg({ quality: 90 })),
  same('contrast −15 %', (picture) => picture.linear(0.85, 0.15 * 128).jpeg({ quality: 90 })),
  same('grey', (picture) => picture.greyscale().jpeg({ quality: 90 })),
  // As a camera that took daylight for the light of a lamp, or the other way round.
  balanced('white balance, warmer', [1.1, 1, 0.88]),
  balanced('white balance, colder', [0.88, 1, 1.1]),
  same('saturation +50 %', (picture) =>
    picture.modulate({ saturation: 1.5 }).jpeg({ quality: 90 }),
  ),
  // Stored lying on its side, with the tag that says so.
  same('EXIF rotation', (picture) =>
    picture.rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 90 }),
  ),
  cropped('crop 5 %', 0.05),
  cropped('crop 15 %', 0.15),
  cropped('crop 30 %', 0.3),
  variant('corner logo', addLogo),
  variant('text banner', addBanner),
  variant('border', addBorder),
  variant('horizontal flip', (picture) => Promise.resolve(sharp(picture).flop())),
];

function same(name: string, change: (picture: Sharp) => Sharp): Edit {
  return {
    name,
    expected: 'same-picture',
    apply: (picture) => change(sharp(picture)).toBuffer(),
  };
}

/** Each channel, red first, is multiplied. */
function balanced(name: string, factors: [number, number, number]): Edit {
  return {
    name,
    expected: 'same-picture',
    async apply(picture) {
      // Grey pictures get three channels.
      const coloured = await sharp(picture).toColourspace('srgb').png().toBuffer();
      return sharp(coloured).linear(factors, [0, 0, 0]).jpeg({ quality: 90 }).toBuffer();
    },
  };
}

function resized(name: string, factor: number): Edit {
  return {
    name,
    expected: 'same-picture',
    async apply(picture) {
      const { width } = await sharp(picture).metadata();
      return sharp(picture)
        .resize(Math.round(width * factor))
        .jpeg({ quality: 85 })
        .toBuffer();
    },
  };
}

function variant(
  name: string,
  change: (picture: Buffer, random: SeededRandom) => Promise<Sharp>,
): Edit {
  return {
    name,
    expected: 'variant',
    apply: async (picture, random) =>
      (await change(picture, random)).jpeg({ quality: 85 }).toBuffer(),
  };
}

/** Both sides lose this part, anywhere between all on one side and all on the other. */
function cropped(name: string, part: number): Edit {
  return variant(name, async (picture, random) => {
    const { width, height } = await sharp(picture).metadata();
    const kept = { width: Math.round(width * (1 - part)), height: Math.round(height * (1 - part)) };
    const left = random.integer(0, width - kept.width);
    const top = random.integer(0, height - kept.height);
    return sharp(picture).extract({ left, top, ...kept });
  });
}

/** An opaque badge in one corner, a fifth to a quarter of the shorter side wide. */
async function addLogo(picture: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(picture).metadata();
  const side = Math.round(Math.min(width, height) * random.between(0.2, 0.25));
  const margin = Math.round(side / 6);
  const colour = random.pick(['#e4002b', '#003087', '#ffffff', '#111111', '#00843d']);
  const ink = colour === '#ffffff' ? '#111111' : '#ffffff';
  const badge =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(side)}" height="${String(side)}" viewBox="0 0 20 20">` +
    `<rect width="20" height="20" rx="4" fill="${colour}"/>` +
    `<path d="M4 15 L10 4 L16 15 L10 12 Z" fill="${ink}"/></svg>`;
  return sharp(picture).composite([
    {
      input: Buffer.from(badge),
      left: random.chance(0.5) ? margin : width - side - margin,
      top: random.chance(0.5) ? margin : height - side - margin,
    },
  ]);
}

/** A strip with words over the upper or lower part, 15 to 20 % of the height; glyphs are bars, as fonts differ. */
async function addBanner(picture: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(picture).metadata();
  const tall = Math.round(height * random.between(0.15, 0.2));
  const [paper, ink] = random.pick<readonly [string, string]>([
    ['#000000', '#ffffff'],
    ['#ffd400', '#111111'],
    ['#ffffff', '#c00000'],
    ['#1d4ed8', '#ffffff'],
  ]);
  const bars = Array.from({ length: random.integer(12, 22) }, (_, index) => {
    const x = 4 + index * 4.2 + random.between(0, 0.8);
    return `<rect x="${String(x)}" y="${String(random.between(25, 35))}" width="2.6" height="42" fill="${ink}"/>`;
  });
  const strip =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(tall)}"` +
    ` viewBox="0 0 100 100" preserveAspectRatio="none"><rect width="100" height="100" fill="${paper}"/>` +
    `${bars.join('')}</svg>`;
  return sharp(picture).composite([
    { input: Buffer.from(strip), left: 0, top: random.chance(0.3) ? 0 : height - tall },
  ]);
}

/** A frame of one colour, 6 to 10 % of the shorter side, around the whole picture. */
async function addBorder(picture: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(picture).metadata();
  const frame = Math.round(Math.min(width, height) * random.between(0.06, 0.1));
  return sharp(picture).extend({
    top: frame,
    bottom: frame,
    left: frame,
    right: frame,
    background: random.pick(['#ffffff', '#000000', '#b08d57', '#e5e5e5']),
  });
}
