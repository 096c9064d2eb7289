import type { ImageFormat } from './drawing';
import type { SeededRandom } from './seeded-random';

const TELLING_NAMES = 0.1;
const PARTS = ['hero', 'banner', 'header', 'teaser', 'cover', 'visual', 'slide', 'tile'] as const;
const STATES = ['final', 'final-v2', 'v3', 'new', 'web', 'draft', 'export', 'ok'] as const;

const digits = (random: SeededRandom, count: number): string =>
  String(random.integer(0, 10 ** count - 1)).padStart(count, '0');

const day = (random: SeededRandom, separator: string): string =>
  [
    random.integer(2021, 2024),
    String(random.integer(1, 12)).padStart(2, '0'),
    String(random.integer(1, 28)).padStart(2, '0'),
  ].join(separator);

type NameStyle = (random: SeededRandom) => string;

const photoNames: readonly [NameStyle, ...NameStyle[]] = [
  (random) => `IMG_${digits(random, 4)}`,
  (random) => `DSC0${digits(random, 4)}`,
  (random) => `PXL_${day(random, '')}_${digits(random, 6)}`,
  (random) => `stock-${digits(random, 7)}`,
];

const deskNames: readonly [NameStyle, ...NameStyle[]] = [
  (random) => `${random.pick(PARTS)}-${random.pick(STATES)}-${digits(random, 2)}`,
  (random) => `screenshot-${day(random, '-')}-${digits(random, 2)}`,
  (random) => `untitled-${digits(random, 3)}`,
  (random) => `Copy of ${random.pick(PARTS)}_${digits(random, 2)}`,
  (random) => `image (${digits(random, 3)})`,
  (random) => random.hexadecimal(12),
];

const extensions: Record<ImageFormat, readonly [string, ...string[]]> = {
  jpeg: ['jpg', 'jpg', 'jpeg', 'JPG'],
  png: ['png'],
  webp: ['webp'],
};

interface NamedImage {
  concept: string;
  format: ImageFormat;
  random: SeededRandom;
  taken: ReadonlySet<string>;
}

/** A typical, unique file name. One in ten says what the image shows. */
export function createFileName({ concept, format, random, taken }: NamedImage): string {
  const isTelling = random.chance(TELLING_NAMES);
  for (;;) {
    const style = random.pick(
      random.chance(format === 'jpeg' ? 0.7 : 0.1) ? photoNames : deskNames,
    );
    const stem = isTelling ? `${concept}-${digits(random, 2)}` : style(random);
    const fileName = `${stem}.${random.pick(extensions[format])}`;
    if (!taken.has(fileName)) return fileName;
  }
}

/** Usually none, sometimes a placeholder, rarely a real description. */
export function createAlternativeText(concept: string, random: SeededRandom): string | undefined {
  if (random.chance(0.8)) return undefined;
  const label = concept.replaceAll('-', ' ');
  return random.pick([
    'image',
    'Header picture',
    'Illustration',
    'TODO',
    `Illustration: ${label}`,
    `A drawing of: ${label}`,
  ]);
}
