import sharp, { type Sharp } from 'sharp';
import type { SeededRandom } from '../../../sample/seeded-random';

/** The verdict that an image and its edited copy deserve. */
export type ExpectedKind = 'same-image' | 'edited';

export interface Edit {
  name: string;
  expected: ExpectedKind;
  /** The same image and the same random numbers give the same bytes under the same version of sharp. */
  apply: (image: Buffer, random: SeededRandom) => Promise<Buffer>;
}

/** What becomes of images on their way through mail, messengers, editors and content systems. */
export const edits: readonly Edit[] = [
  same('JPEG, quality 30', (image) => image.jpeg({ quality: 30 })),
  same('JPEG, quality 75', (image) => image.jpeg({ quality: 75 })),
  same('WebP', (image) => image.webp({ quality: 75 })),
  same('AVIF', (image) => image.avif({ quality: 50, effort: 0 })),
  same('PNG', (image) => image.png()),
  resized('resized to 50%', 0.5),
  resized('resized to 200%', 2),
  same('brightness +15%', (image) => image.linear(1.15, 0).jpeg({ quality: 90 })),
  same('brightness −15%', (image) => image.linear(0.85, 0).jpeg({ quality: 90 })),
  same('contrast +15%', (image) => image.linear(1.15, -0.15 * 128).jpeg({ quality: 90 })),
  same('contrast −15%', (image) => image.linear(0.85, 0.15 * 128).jpeg({ quality: 90 })),
  same('gray', (image) => image.greyscale().jpeg({ quality: 90 })),
  // As a camera that took daylight for the light of a lamp, or the other way round.
  balanced('white balance, warmer', [1.1, 1, 0.88]),
  balanced('white balance, colder', [0.88, 1, 1.1]),
  same('saturation +50%', (image) => image.modulate({ saturation: 1.5 }).jpeg({ quality: 90 })),
  // Stored sideways, with the matching EXIF orientation.
  same('EXIF rotation', (image) =>
    image.rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 90 }),
  ),
  cropped('crop 5%', 0.05),
  cropped('crop 15%', 0.15),
  cropped('crop 30%', 0.3),
  edited('corner logo', addLogo),
  edited('text banner', addBanner),
  edited('border', addBorder),
  edited('horizontal flip', (image) => Promise.resolve(sharp(image).flop())),
  edited('vertical flip', (image) => Promise.resolve(sharp(image).flip())),
  edited('quarter turn, right', (image) => Promise.resolve(sharp(image).rotate(90))),
  edited('quarter turn, left', (image) => Promise.resolve(sharp(image).rotate(270))),
  edited('upside down', (image) => Promise.resolve(sharp(image).rotate(180))),
  tilted('tilt by 2°, cropped', 2),
  tilted('tilt by 5°, cropped', 5),
  edited('sticker in the middle', addSticker),
  edited('browser frame', addBrowserFrame),
  edited('collage', makeCollage),
];

function same(name: string, change: (image: Sharp) => Sharp): Edit {
  return {
    name,
    expected: 'same-image',
    apply: (image) => change(sharp(image)).toBuffer(),
  };
}

/** Each channel, red first, is multiplied. */
function balanced(name: string, factors: [number, number, number]): Edit {
  return {
    name,
    expected: 'same-image',
    async apply(image) {
      // Gray images get three channels.
      const colored = await sharp(image).toColourspace('srgb').png().toBuffer();
      return sharp(colored).linear(factors, [0, 0, 0]).jpeg({ quality: 90 }).toBuffer();
    },
  };
}

function resized(name: string, factor: number): Edit {
  return {
    name,
    expected: 'same-image',
    async apply(image) {
      const { width } = await sharp(image).metadata();
      return sharp(image)
        .resize(Math.round(width * factor))
        .jpeg({ quality: 85 })
        .toBuffer();
    },
  };
}

function edited(
  name: string,
  change: (image: Buffer, random: SeededRandom) => Promise<Sharp>,
): Edit {
  return {
    name,
    expected: 'edited',
    apply: async (image, random) => (await change(image, random)).jpeg({ quality: 85 }).toBuffer(),
  };
}

/** Both sides lose this part, anywhere between all on one side and all on the other. */
function cropped(name: string, part: number): Edit {
  return edited(name, async (image, random) => {
    const { width, height } = await sharp(image).metadata();
    const kept = { width: Math.round(width * (1 - part)), height: Math.round(height * (1 - part)) };
    const left = random.integer(0, width - kept.width);
    const top = random.integer(0, height - kept.height);
    return sharp(image).extract({ left, top, ...kept });
  });
}

/** An opaque badge in one corner, a fifth to a quarter of the shorter side wide. */
async function addLogo(image: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(image).metadata();
  const side = Math.round(Math.min(width, height) * random.between(0.2, 0.25));
  const margin = Math.round(side / 6);
  const color = random.pick(['#e4002b', '#003087', '#ffffff', '#111111', '#00843d']);
  const ink = color === '#ffffff' ? '#111111' : '#ffffff';
  const badge =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(side)}" height="${String(side)}" viewBox="0 0 20 20">` +
    `<rect width="20" height="20" rx="4" fill="${color}"/>` +
    `<path d="M4 15 L10 4 L16 15 L10 12 Z" fill="${ink}"/></svg>`;
  return sharp(image).composite([
    {
      input: Buffer.from(badge),
      left: random.chance(0.5) ? margin : width - side - margin,
      top: random.chance(0.5) ? margin : height - side - margin,
    },
  ]);
}

/** A strip with words over the upper or lower part, 15 to 20 % of the height; glyphs are bars, as fonts differ. */
async function addBanner(image: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(image).metadata();
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
  return sharp(image).composite([
    { input: Buffer.from(strip), left: 0, top: random.chance(0.3) ? 0 : height - tall },
  ]);
}

/** A frame of one color, 6 to 10 % of the shorter side, around the whole image. */
async function addBorder(image: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(image).metadata();
  const frame = Math.round(Math.min(width, height) * random.between(0.06, 0.1));
  return sharp(image).extend({
    top: frame,
    bottom: frame,
    left: frame,
    right: frame,
    background: random.pick(['#ffffff', '#000000', '#b08d57', '#e5e5e5']),
  });
}

/** Turned by a few degrees, then cropped to what has no empty corners. */
function tilted(name: string, degrees: number): Edit {
  return edited(name, async (image, random) => {
    const { width, height } = await sharp(image).metadata();
    const turned = await sharp(image)
      .rotate(random.chance(0.5) ? degrees : -degrees, { background: '#000000' })
      .png()
      .toBuffer();
    const size = await sharp(turned).metadata();
    const radians = (degrees * Math.PI) / 180;
    const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
    // The largest upright rectangle of the same proportions inside the turned image.
    const scale = Math.min(
      width / (width * cosine + height * sine),
      height / (width * sine + height * cosine),
    );
    const kept = { width: Math.floor(width * scale) - 2, height: Math.floor(height * scale) - 2 };
    const left = Math.round((size.width - kept.width) / 2);
    const top = Math.round((size.height - kept.height) / 2);
    return sharp(turned).extract({ left, top, ...kept });
  });
}

/** A round face of a fifth to a quarter of the shorter side, in the middle. */
async function addSticker(image: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(image).metadata();
  const side = Math.round(Math.min(width, height) * random.between(0.2, 0.28));
  const sticker =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(side)}" height="${String(side)}" viewBox="0 0 40 40">` +
    `<circle cx="20" cy="20" r="19" fill="${random.pick(['#ffcc22', '#ff5577', '#44bbff'])}"/>` +
    '<circle cx="13" cy="15" r="3" fill="#222"/><circle cx="27" cy="15" r="3" fill="#222"/>' +
    '<path d="M10 24 Q20 36 30 24" stroke="#222" stroke-width="3" fill="none"/></svg>';
  const left = Math.round((width - side) * random.between(0.4, 0.6));
  const top = Math.round((height - side) * random.between(0.4, 0.6));
  return sharp(image).composite([{ input: Buffer.from(sticker), left, top }]);
}

/** As in a screenshot of a browser: a bar with an address above the image, and margins. */
async function addBrowserFrame(image: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(image).metadata();
  const margin = Math.round(width * random.between(0.02, 0.06));
  const bar = Math.round(height * random.between(0.1, 0.16));
  const outer = { width: width + 2 * margin, height: height + bar + margin };
  const frame =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(outer.width)}" height="${String(outer.height)}">` +
    `<rect width="100%" height="100%" fill="#ffffff"/><rect width="100%" height="${String(bar)}" fill="#dee1e6"/>` +
    [0, 1, 2]
      .map(
        (dot) =>
          `<circle cx="${String(bar * (0.5 + dot * 0.6))}" cy="${String(bar / 2)}" r="${String(bar * 0.18)}" fill="${['#ff5f57', '#febc2e', '#28c840'][dot] ?? ''}"/>`,
      )
      .join('') +
    `<rect x="${String(bar * 2.4)}" y="${String(bar * 0.2)}" width="${String(outer.width - bar * 3)}" height="${String(bar * 0.6)}" rx="${String(bar * 0.3)}" fill="#ffffff"/></svg>`;
  const framed = await sharp(Buffer.from(frame))
    .composite([{ input: image, left: margin, top: bar }])
    .png()
    .toBuffer();
  return sharp(framed);
}

/** The image beside flat panels, at a little more than half the width of the whole. */
async function makeCollage(image: Buffer, random: SeededRandom): Promise<Sharp> {
  const { width, height } = await sharp(image).metadata();
  const share = random.between(0.52, 0.6);
  const outer = { width: Math.round(width / share), height: Math.round(height / share) };
  const gap = Math.round(width * 0.02);
  const color = (): string =>
    `hsl(${String(random.integer(0, 359))},45%,${String(random.integer(35, 75))}%)`;
  const panel = (x: number, y: number, wide: number, tall: number): string =>
    `<defs><linearGradient id="p${String(x)}-${String(y)}"><stop stop-color="${color()}"/><stop offset="1" stop-color="${color()}"/></linearGradient></defs>` +
    `<rect x="${String(x)}" y="${String(y)}" width="${String(wide)}" height="${String(tall)}" fill="url(#p${String(x)}-${String(y)})"/>` +
    `<circle cx="${String(x + wide / 2)}" cy="${String(y + tall / 2)}" r="${String(Math.min(wide, tall) / 4)}" fill="${color()}"/>`;
  const rest = { width: outer.width - width - gap, height: outer.height - height - gap };
  const ground =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${String(outer.width)}" height="${String(outer.height)}">` +
    '<rect width="100%" height="100%" fill="#ffffff"/>' +
    panel(width + gap, 0, rest.width, height) +
    panel(0, height + gap, width, rest.height) +
    panel(width + gap, height + gap, rest.width, rest.height) +
    '</svg>';
  const collage = await sharp(Buffer.from(ground))
    .composite([{ input: image, left: 0, top: 0 }])
    .png()
    .toBuffer();
  return sharp(collage);
}
