import {
  basicColors,
  colorNames,
  type ColorName,
  type ImageColor,
  type Thumbnail,
} from './contract';
import type { Size } from './geometry';
import { decodeThumbnail } from './trace';

/** Raised when the same traces would give other colors: then those of all images are derived again. */
export const PALETTE_VERSION = 1;

/** Colors kept of an image. */
const MAX_COLORS = 5;
/** Smallest share of a color that is kept. */
const MIN_SHARE = 0.03;
/** Colors closer than this, as `difference` has it, are one. */
const SAME_COLOR = 0.045 ** 2;
/** Cells of the first, coarse grouping, in OKLab with half the lightness. */
const CELL = 0.06;

/** A background is this close to pure white or black, … */
const NEAR_WHITE = { minLightness: 0.93, maxChroma: 0.03 };
const NEAR_BLACK = { maxLightness: 0.2, maxChroma: 0.04 };
/** … has most of the image's border, … */
const MIN_BORDER = 0.6;
/** … and leaves this much of the image. */
const MIN_SUBJECT = 0.04;

/** Difference on white and on black from which a pixel is more clear than opaque. */
const HALF_CLEAR = 128;

/** A color in OKLab (Björn Ottosson, "A perceptual color space for image processing", 2020); lightness 0 to 1. */
interface Lab {
  l: number;
  a: number;
  b: number;
}

/** Its colors, summed up. */
interface Cluster extends Lab {
  pixels: number;
}

/**
 * The dominant colors of an image, from what its trace keeps, the largest share first; none if the trace has no
 * thumbnail of the current format.
 *
 * Transparent areas don't count, and neither does a white or black background: a product's colors are its own. A
 * background is what touches the border without a change of color, if it takes most of the border and leaves
 * something; a white mug on white, or a night sky, keeps its color. Shares are of what counts.
 */
export function paletteOf(looks: {
  thumbnail: string | null;
  onBlack?: { thumbnail: string };
}): ImageColor[] {
  const thumbnail = looks.thumbnail === null ? null : decodeThumbnail(looks.thumbnail);
  if (thumbnail === null) return [];
  const onBlack = looks.onBlack ? decodeThumbnail(looks.onBlack.thumbnail) : null;
  const pixels = toLab(thumbnail);
  const opaque = findOpaque(thumbnail, onBlack);
  const counted = withoutBackground(pixels, thumbnail, opaque);
  const clusters = cluster(pixels.filter((_pixel, index) => counted[index]));
  const total = clusters.reduce((sum, { pixels: size }) => sum + size, 0);
  return clusters
    .map((color) => ({ color, share: color.pixels / total }))
    .filter(({ share }) => share >= MIN_SHARE)
    .sort((one, other) => other.share - one.share)
    .slice(0, MAX_COLORS)
    .map(({ color, share }) => ({ ...toColor(color), share: Math.round(share * 1_000) }));
}

/** A color as `#rrggbb`, `#rgb` (both also without `#`), or by its name: then the most typical one. */
export function parseColor(color: string): Omit<ImageColor, 'share'> {
  const name = colorNames.find((one) => one === color);
  return toColor(labOfHex(name === undefined ? color : basicColors[name]));
}

function toColor({ l, a, b }: Lab): Omit<ImageColor, 'share'> {
  return {
    lightness: Math.round(l * 1_000),
    greenRed: Math.round(a * 1_000),
    blueYellow: Math.round(b * 1_000),
    name: nameOf({ l, a, b }),
  };
}

/**
 * The share of an image, in thousandths, from which people call it by this color: little of a vivid one is seen at
 * once, while brown and gray are in every photo.
 */
export function minimumShareOf(name: ColorName): number {
  if (['black', 'gray', 'white'].includes(name)) return 400;
  return name === 'brown' ? 300 : 150;
}

/** A color as `#rrggbb`, clipped to what screens show. */
export function toHex({
  lightness,
  greenRed,
  blueYellow,
}: Pick<ImageColor, 'lightness' | 'greenRed' | 'blueYellow'>): string {
  const [l, a, b] = [lightness / 1_000, greenRed / 1_000, blueYellow / 1_000];
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const channels = [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ];
  const digits = channels.map((light) => {
    const value = light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, value)))
      .toString(16)
      .padStart(2, '0');
  });
  return `#${digits.join('')}`;
}

/**
 * Pixels of a thumbnail, row by row. Its colors are coarse, so each pixel takes those of the cells around it whose
 * brightness is most like its own (joint bilateral upsampling, Kopf et al., 2007): edges stay sharp.
 */
function toLab(thumbnail: Thumbnail): Lab[] {
  const { chroma, height, luminance, width } = thumbnail;
  const brightness = meanBrightness(thumbnail);
  return Array.from(luminance, (y, index): Lab => {
    const column = (((index % width) + 0.5) * chroma.width) / width - 0.5;
    const row = ((Math.floor(index / width) + 0.5) * chroma.height) / height - 0.5;
    let weights = 0;
    let blue = 0;
    let red = 0;
    for (let r = Math.floor(row); r <= Math.floor(row) + 1; r += 1) {
      for (let c = Math.floor(column); c <= Math.floor(column) + 1; c += 1) {
        if (r < 0 || c < 0 || r >= chroma.height || c >= chroma.width) continue;
        const cell = r * chroma.width + c;
        const near = (1.1 - Math.abs(row - r)) * (1.1 - Math.abs(column - c));
        const contrast = (y - (brightness[cell] ?? 0)) / SIMILAR_BRIGHTNESS;
        const weight = near * Math.exp(-contrast * contrast) + 1e-6;
        weights += weight;
        blue += weight * (chroma.blue[cell] ?? 128);
        red += weight * (chroma.red[cell] ?? 128);
      }
    }
    return labOfLuma(y, blue / weights - 128, red / weights - 128);
  });
}

/** Out of 255. */
const SIMILAR_BRIGHTNESS = 40;

/** Of the pixels in each cell of color. */
function meanBrightness({ chroma, height, luminance, width }: Thumbnail): Float64Array {
  const sums = new Float64Array(chroma.width * chroma.height);
  const counts = new Float64Array(sums.length);
  for (const [index, y] of luminance.entries()) {
    const column = Math.floor(((index % width) * chroma.width) / width);
    const row = Math.floor((Math.floor(index / width) * chroma.height) / height);
    const cell = row * chroma.width + column;
    sums[cell] = (sums[cell] ?? 0) + y;
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  return sums.map((sum, cell) => sum / (counts[cell] ?? 1));
}

/** From luminance and color differences of ITU-R BT.601, 0 for gray. */
function labOfLuma(y: number, blue: number, red: number): Lab {
  return labOf(y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue);
}

function labOfHex(hex: string): Lab {
  const digits = hex.replace('#', '');
  const long = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits;
  const [red = 0, green = 0, blue = 0] = Buffer.from(long, 'hex');
  return labOf(red, green, blue);
}

/** Of sRGB, 0 to 255, clipped. */
function labOf(red: number, green: number, blue: number): Lab {
  const r = toLinear(red);
  const g = toLinear(green);
  const b = toLinear(blue);
  const long = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const middle = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const short = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return {
    l: 0.2104542553 * long + 0.793617785 * middle - 0.0040720468 * short,
    a: 1.9779984951 * long - 2.428592205 * middle + 0.4505937099 * short,
    b: 0.0259040371 * long + 0.7827717662 * middle - 0.808675766 * short,
  };
}

function toLinear(value: number): number {
  return linear[Math.round(Math.min(255, Math.max(0, value)))] ?? 0;
}

/** Light, 0 to 1, by the value of an sRGB channel. */
const linear = Float64Array.from({ length: 256 }, (_value, index) => {
  const level = index / 255;
  return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
});

/** What is the same on white and on black. */
function findOpaque({ luminance }: Thumbnail, onBlack: Thumbnail | null): boolean[] {
  const isComparable = onBlack?.luminance.length === luminance.length;
  const opaque = Array.from(
    luminance,
    (y, index) => !isComparable || Math.abs(y - (onBlack.luminance[index] ?? y)) < HALF_CLEAR,
  );
  return opaque.includes(true) ? opaque : opaque.map(() => true);
}

/** Which pixels aren't background; those that are opaque if there is none. */
function withoutBackground(
  pixels: readonly Lab[],
  { height, width }: Thumbnail,
  opaque: readonly boolean[],
): boolean[] {
  const border = borderOf({ height, width }).filter((index) => opaque[index]);
  const least = MIN_SUBJECT * opaque.filter(Boolean).length;
  for (const isGround of [isNearWhite, isNearBlack]) {
    const start = border.filter((index) => isGround(pixels[index]));
    if (start.length === 0 || start.length < MIN_BORDER * border.length) continue;
    const counted = [...opaque];
    const waiting = [...start];
    for (const index of start) counted[index] = false;
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      const column = index % width;
      const neighbors = [index - width, index + width];
      if (column > 0) neighbors.push(index - 1);
      if (column < width - 1) neighbors.push(index + 1);
      for (const neighbor of neighbors) {
        if (counted[neighbor] !== true || !isGround(pixels[neighbor])) continue;
        counted[neighbor] = false;
        waiting.push(neighbor);
      }
    }
    if (counted.filter(Boolean).length >= least) return counted;
  }
  return [...opaque];
}

function borderOf({ height, width }: Size): number[] {
  const columns = Array.from({ length: width }, (_value, column) => column);
  const rows = Array.from({ length: height }, (_value, row) => row * width);
  const sides = rows.slice(1, -1).flatMap((start) => [start, start + width - 1]);
  return [
    ...new Set([...columns, ...sides, ...columns.map((column) => column + width * (height - 1))]),
  ];
}

function isNearWhite(color: Lab | undefined): boolean {
  return (
    color !== undefined &&
    color.l >= NEAR_WHITE.minLightness &&
    Math.hypot(color.a, color.b) <= NEAR_WHITE.maxChroma
  );
}

function isNearBlack(color: Lab | undefined): boolean {
  return (
    color !== undefined &&
    color.l <= NEAR_BLACK.maxLightness &&
    Math.hypot(color.a, color.b) <= NEAR_BLACK.maxChroma
  );
}

/**
 * Groups colors: first by cells of a grid, whose nearest ones then merge, those that lose least first (Ward, 1963),
 * until few are left and none are alike.
 */
function cluster(pixels: readonly Lab[]): Cluster[] {
  const cells = new Map<number, Cluster>();
  for (const pixel of pixels) {
    const greenRed = Math.floor((pixel.a + 1) / CELL);
    const blueYellow = Math.floor((pixel.b + 1) / CELL);
    const key = (Math.floor(pixel.l / 2 / CELL) * 64 + greenRed) * 64 + blueYellow;
    const cell = cells.get(key);
    if (cell === undefined) {
      cells.set(key, { ...pixel, pixels: 1 });
    } else {
      const size = cell.pixels + 1;
      cell.l = (cell.l * cell.pixels + pixel.l) / size;
      cell.a = (cell.a * cell.pixels + pixel.a) / size;
      cell.b = (cell.b * cell.pixels + pixel.b) / size;
      cell.pixels = size;
    }
  }
  return mergeNearest([...cells.values()]);
}

/** In the time that comparing all pairs once takes: each cluster remembers the nearest of those after it. */
function mergeNearest(clusters: readonly Cluster[]): Cluster[] {
  const left: (Cluster | null)[] = [...clusters];
  const nearest = left.map((_cluster, index) => nearestAfter(left, index));
  for (let count = left.length; count > 1; count -= 1) {
    const index = indexOfLeast(nearest);
    const otherIndex = nearest[index]?.index ?? -1;
    const [one, other] = [left[index], left[otherIndex]];
    if (!one || !other) break;
    if (count <= MAX_COLORS && difference(one, other) > SAME_COLOR) break;
    const merged = merge(one, other);
    left[index] = merged;
    left[otherIndex] = null;
    nearest[otherIndex] = null;
    for (let earlier = 0; earlier < otherIndex; earlier += 1) {
      const cluster = left[earlier];
      const known = nearest[earlier];
      if (!cluster || !known) continue;
      if (earlier === index || known.index === index || known.index === otherIndex) {
        nearest[earlier] = nearestAfter(left, earlier);
      } else if (earlier < index) {
        const loss = lossOf(cluster, merged);
        if (loss < known.loss || (loss === known.loss && index < known.index)) {
          nearest[earlier] = { index, loss };
        }
      }
    }
  }
  return left.filter((cluster) => cluster !== null);
}

interface Neighbor {
  index: number;
  loss: number;
}

function nearestAfter(clusters: readonly (Cluster | null)[], index: number): Neighbor | null {
  const cluster = clusters[index];
  if (!cluster) return null;
  let nearest = -1;
  let least = Infinity;
  for (let next = index + 1; next < clusters.length; next += 1) {
    const other = clusters[next];
    if (!other) continue;
    const loss = lossOf(cluster, other);
    if (loss >= least) continue;
    least = loss;
    nearest = next;
  }
  return nearest === -1 ? null : { index: nearest, loss: least };
}

function indexOfLeast(neighbors: readonly (Neighbor | null)[]): number {
  let found = -1;
  let least = Infinity;
  for (const [index, neighbor] of neighbors.entries()) {
    if (neighbor === null || neighbor.loss >= least) continue;
    least = neighbor.loss;
    found = index;
  }
  return found;
}

/** How much a merge adds to the squared differences within clusters. */
function lossOf(one: Cluster, other: Cluster): number {
  return ((one.pixels * other.pixels) / (one.pixels + other.pixels)) * difference(one, other);
}

function merge(one: Cluster, other: Cluster): Cluster {
  const pixels = one.pixels + other.pixels;
  const mean = (first: number, second: number): number =>
    (first * one.pixels + second * other.pixels) / pixels;
  return { l: mean(one.l, other.l), a: mean(one.a, other.a), b: mean(one.b, other.b), pixels };
}

/** Squared distance in OKLab. Lightness counts half: light and shadow change it, but not the color of a thing. */
function difference(one: Lab, other: Lab): number {
  const lightness = (one.l - other.l) / 2;
  const greenRed = one.a - other.a;
  const blueYellow = one.b - other.b;
  return lightness * lightness + greenRed * greenRed + blueYellow * blueYellow;
}

/** Further colors that people call so. Any other has the name of the nearest one in OKLab. */
const furtherColors: Record<ColorName, string> = {
  red: '#ff0000 #b71c1c #8b0000 #e57373 #c0504d #f44336 #dc143c #f4511e #ff5722',
  orange: '#ffa500 #ff6f00 #fb8c00 #ffb74d #e65100 #d9742b #ffd0a8 #ffb38a',
  yellow: '#ffff00 #ffc107 #fff176 #d4b106 #fdd835 #fff3a0 #c9b23a',
  green:
    '#00ff00 #006400 #8bc34a #556b2f #1b5e20 #a5d6a7 #cddc39 #009688 ' +
    '#00aa77 #6b8e23 #3c4a32 #8fae84 #b5cc18 #7cfc00 #2f4f3a',
  blue:
    '#0000ff #00008b #87ceeb #00bcd4 #0d47a1 #90caf9 #4682b4 #1e3a5f ' +
    '#00ffff #5b7fa6 #b3dbf2 #3f51b5 #7fa8c9 #008ba3',
  purple: '#800080 #9c27b0 #4a148c #b39ddb #6a3d9a #ce93d8 #7e57c2',
  pink: '#ff69b4 #ffc0cb #e91e63 #f8bbd0 #ff1493 #d8748f #ff00ff #ffb3ba #f8c8c8',
  brown: '#5d4037 #a0522d #3e2723 #bf8f5f #6b4423 #a1887f #d2b48c #7b5e3b #8c6d5a #b87333',
  black: '#1a1a1a #141821 #211a17 #2a2a2a',
  gray: '#555555 #bdbdbd #6f757c #a8a29a #3f3f3f #d3d3d3 #9aa5b0',
  white: '#f2f2f2 #fffaf0 #f5f8ff #f7f3ea',
};

const examples = colorNames.flatMap((name) =>
  [basicColors[name], ...furtherColors[name].split(' ')].map((hex) => ({
    name,
    lab: labOfHex(hex),
  })),
);

/** That of the nearest example. */
function nameOf(color: Lab): ColorName {
  let nearest: ColorName = 'gray';
  let least = Infinity;
  for (const { lab, name } of examples) {
    const away = Math.hypot(color.l - lab.l, color.a - lab.a, color.b - lab.b);
    if (away >= least) continue;
    least = away;
    nearest = name;
  }
  return nearest;
}
