import type { Plane, PlaneSize } from './plane';

/** A color image as planes: gray values, and blue and red difference (0 for gray), all on the inner image's grid. */
export interface Planes {
  gray: Plane;
  blue: Float32Array;
  red: Float32Array;
}

/** Median difference in gray levels between a gray copy and the gray that its colors give. */
const ONE_TONE_LUMINANCE = 2.2;

/** Means of small cells of both images. */
export interface Cell {
  one: { gray: number; blue: number; red: number };
  other: { gray: number; blue: number; red: number };
}

const CELL = 8;

/** Cells that both images have. */
export function cellsOf(one: Planes, other: Planes): Cell[] {
  const { height, width } = other.gray;
  const means = [one.gray.values, one.blue, one.red, other.gray.values, other.blue, other.red].map(
    (values) => meansOf(values, { width, height }),
  );
  const [gray, blue, red, otherGray, otherBlue, otherRed] = means;
  const cells: Cell[] = [];
  for (let cell = 0; cell < (gray?.length ?? 0); cell += 1) {
    const light = gray?.[cell] ?? Number.NaN;
    if (Number.isNaN(light)) continue;
    cells.push({
      one: { gray: light, blue: blue?.[cell] ?? 0, red: red?.[cell] ?? 0 },
      other: {
        gray: otherGray?.[cell] ?? 0,
        blue: otherBlue?.[cell] ?? 0,
        red: otherRed?.[cell] ?? 0,
      },
    });
  }
  return cells;
}

function meansOf(values: Float32Array, { height, width }: PlaneSize): Float64Array {
  const [columns, rows] = [Math.floor(width / CELL), Math.floor(height / CELL)];
  const means = new Float64Array(columns * rows);
  for (let cell = 0; cell < means.length; cell += 1) {
    const corner = CELL * (Math.floor(cell / columns) * width + (cell % columns));
    let sum = 0;
    for (let row = 0; row < CELL; row += 1) {
      const start = corner + row * width;
      for (let place = start; place < start + CELL; place += 1) sum += values[place] ?? 0;
    }
    means[cell] = sum / (CELL * CELL);
  }
  return means;
}

/** How light and contrast of the one become those of the other. */
export interface Tone {
  gain: number;
  offset: number;
  /** Whether light explains it; different paint in the same outline is beyond. */
  isNatural: boolean;
  /** Whether the image has many tones, as photographs have. */
  isRich: boolean;
}

const ROUNDS = 8;
/** Residual in gray levels at which a cell counts half. */
const HALVING = 8;
/** Variance of gray levels that counts as known to be unchanged, which keeps the fit of flat images stable. */
const PRIOR_VARIANCE = 60;
const GAINS = { least: 0.68, most: 1.48 };
const MAX_TONE_CHANGE = 64;
/** Bins of gray levels that hold at least this share of the cells, and how many of them make an image rich in tones. */
const TONE_BINS = 32;
const MIN_BIN_SHARE = 0.012;
const MANY_TONES = 14;
/** How far the tones of an image with few of them may be from brighter, lighter, or more contrast, in gray levels. */
const FEW_TONES_TOLERANCE = 15;

export function fitTone(cells: readonly Cell[]): Tone {
  const all = cells.map((cell) => [cell.one.gray, cell.other.gray] as const);
  const points = all.filter(([, after]) => after > 3 && after < 252);
  let [gain, offset] = [1, 0];
  for (let round = 0; round < ROUNDS && points.length > 0; round += 1) {
    let [weights, sumA, sumB, squareA, product] = [0, 0, 0, 0, 0];
    for (const [a, b] of points) {
      const error = (b - (gain * a + offset)) / HALVING;
      const weight = 1 / (1 + error * error);
      weights += weight;
      sumA += weight * a;
      sumB += weight * b;
      squareA += weight * a * a;
      product += weight * a * b;
    }
    const [meanA, meanB] = [sumA / weights, sumB / weights];
    const variance = squareA / weights - meanA * meanA + PRIOR_VARIANCE;
    gain = (product / weights - meanA * meanB + PRIOR_VARIANCE) / variance;
    offset = meanB - gain * meanA;
  }
  if (misfitOf({ gain: 1, offset: 0 }, all) < misfitOf({ gain, offset }, all))
    [gain, offset] = [1, 0];
  const changes = points.map(([a]) => Math.abs(gain * a + offset - a));
  const most = changes.reduce((one, another) => Math.max(one, another), 0);
  const isRich = hasManyTones(points);
  const isNatural =
    gain > GAINS.least &&
    gain < GAINS.most &&
    most < MAX_TONE_CHANGE &&
    (isRich || isSimple({ gain, offset }));
  return { gain, offset, isNatural, isRich };
}

/** Robust sum of what the light leaves unexplained, clipped cells included. */
function misfitOf(
  { gain, offset }: { gain: number; offset: number },
  points: readonly (readonly [number, number])[],
): number {
  return points.reduce((sum, [a, b]) => {
    const error = (b - clipByte(gain * a + offset)) / HALVING;
    return sum + 1 - 1 / (1 + error * error);
  }, 0);
}

function hasManyTones(points: readonly (readonly [number, number])[]): boolean {
  const bins = new Float64Array(TONE_BINS);
  for (const [a] of points) {
    const bin = Math.min(TONE_BINS - 1, Math.floor((a * TONE_BINS) / 256));
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins.filter((count) => count > MIN_BIN_SHARE * points.length).length >= MANY_TONES;
}

/** With few tones, any paint on any ground fits some line, so only the usual ones count. */
function isSimple({ gain, offset }: { gain: number; offset: number }): boolean {
  const [isBrighter, isLighter, isContrast] = [
    Math.abs(offset),
    Math.abs(gain - 1) * 100,
    Math.abs(gain * 128 + offset - 128),
  ];
  return Math.min(isBrighter, isLighter, isContrast) <= FEW_TONES_TOLERANCE;
}

function matchGray({ height, values, width }: Plane, { gain, offset }: Tone): Plane {
  const matched = new Float32Array(values.length);
  for (let place = 0; place < matched.length; place += 1) {
    matched[place] = Math.min(255, Math.max(0, gain * (values[place] ?? 0) + offset));
  }
  return { width, height, values: matched };
}

/** How the colors of the one become those of the other: saturation, and a shift that grows with the light. */
export interface ColorMatch {
  saturation: number;
  blue: Shift;
  red: Shift;
}

/** The one in the other's light and colors. */
export function matchPlanes({ blue, gray, red }: Planes, tone: Tone, color: ColorMatch): Planes {
  const matched = matchGray(gray, tone);
  const shifted = (values: Float32Array, { base, slope }: Shift): Float32Array => {
    const result = new Float32Array(values.length);
    for (let place = 0; place < result.length; place += 1) {
      result[place] =
        color.saturation * (values[place] ?? 0) + base + slope * (matched.values[place] ?? 0);
    }
    return result;
  };
  return { gray: matched, blue: shifted(blue, color.blue), red: shifted(red, color.red) };
}

/** In levels, at black and for each gray level. */
interface Shift {
  base: number;
  slope: number;
}

/** With few tones, a weaker or stronger color is another paint. */
const SATURATION = {
  manyTones: { least: 0.6, most: 2 },
  fewTones: { least: 0.75, most: 1.35 },
};
/** Maximum shift of white, in levels. */
const MAX_WHITE_SHIFT = 26;
/** A change of light hardly shifts black; with few tones, navy would pass for black. */
const MAX_BLACK_SHIFT = { manyTones: 4, fewTones: 1.5 };
const HALVING_COLOR = 10;
/** Weight of the assumption that nothing changed, in cells. */
const PRIOR_CELLS = 4;

/** Shift and saturation, in turns. */
export function fitColor(cells: readonly Cell[], { isRich }: Tone): ColorMatch {
  const mostBlack = isRich ? MAX_BLACK_SHIFT.manyTones : MAX_BLACK_SHIFT.fewTones;
  const { least, most } = isRich ? SATURATION.manyTones : SATURATION.fewTones;
  let saturation = 1;
  let blue: Shift = { base: 0, slope: 0 };
  let red: Shift = { base: 0, slope: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    let [product, square] = [PRIOR_CELLS * 100, PRIOR_CELLS * 100];
    const lines = { blue: new Line(), red: new Line() };
    for (const cell of cells) {
      const shiftedBlue = cell.other.blue - blue.base - blue.slope * cell.one.gray;
      const shiftedRed = cell.other.red - red.base - red.slope * cell.one.gray;
      const awayBlue = shiftedBlue - saturation * cell.one.blue;
      const awayRed = shiftedRed - saturation * cell.one.red;
      const error = Math.sqrt(awayBlue * awayBlue + awayRed * awayRed) / HALVING_COLOR;
      const weight = 1 / (1 + error * error);
      product += weight * (shiftedBlue * cell.one.blue + shiftedRed * cell.one.red);
      square += weight * (cell.one.blue ** 2 + cell.one.red ** 2);
      lines.blue.add(weight, cell.one.gray, cell.other.blue - saturation * cell.one.blue);
      lines.red.add(weight, cell.one.gray, cell.other.red - saturation * cell.one.red);
    }
    saturation = Math.min(most, Math.max(least, product / square));
    blue = lines.blue.fit(mostBlack);
    red = lines.red.fit(mostBlack);
  }
  return { saturation, blue, red };
}

/** A weighted linear fit, bounded at white. */
class Line {
  #weights = PRIOR_CELLS;
  #x = PRIOR_CELLS * 128;
  #y = 0;
  #xx = PRIOR_CELLS * (128 * 128 + 2_500);
  #xy = 0;

  add(weight: number, x: number, y: number): void {
    this.#weights += weight;
    this.#x += weight * x;
    this.#y += weight * y;
    this.#xx += weight * x * x;
    this.#xy += weight * x * y;
  }

  fit(mostBlack: number): Shift {
    const [meanX, meanY] = [this.#x / this.#weights, this.#y / this.#weights];
    const variance = this.#xx / this.#weights - meanX * meanX + 200;
    const slope = (this.#xy / this.#weights - meanX * meanY) / variance;
    const base = meanY - slope * meanX;
    const black = clip(base, mostBlack);
    const white = clip(base + 255 * slope, MAX_WHITE_SHIFT);
    return { base: black, slope: (white - black) / 255 };
  }
}

function clip(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}

/** A cell is gray below this strength, and an image is when nearly all its cells are. */
const GRAY = 7;
const NEARLY_ALL = 0.9995;

/**
 * Whether one of the images is a gray copy of the other: it has no color, and its luminance is derived from the
 * other's colors. A gray shirt isn't derived from the red one. The colorful image then gets the same kind of gray.
 */
export function matchOneTone(
  seen: { one: Planes; other: Planes },
  cells: readonly Cell[],
): boolean {
  const isGray = (side: 'one' | 'other'): boolean => {
    const gray = cells.filter((cell) => Math.hypot(cell[side].blue, cell[side].red) < GRAY);
    return gray.length >= NEARLY_ALL * cells.length;
  };
  const [isOneGray, isOtherGray] = [isGray('one'), isGray('other')];
  if (isOneGray === isOtherGray) return false;
  const [colorful, gray] = isOneGray ? (['other', 'one'] as const) : (['one', 'other'] as const);
  // Single pixels: most formulas don't apply to means.
  const pixels = samplePixels(seen[colorful], seen[gray], 2 * GRAY);
  const errors = grayFormulas.map((formula) => {
    const away = pixels.map(({ one, other }) => Math.abs(formula(toRgb(one)) - other.gray));
    away.sort((one, other) => one - other);
    return away[away.length >> 1] ?? 0;
  });
  const least = Math.min(...errors);
  const formula = grayFormulas[errors.indexOf(least)];
  if (formula === undefined || !(least <= ONE_TONE_LUMINANCE)) return false;
  seen[colorful] = grayBy(formula, seen[colorful]);
  return true;
}

/** Factors of saturation and brightness that are tried. */
const FACTORS = {
  saturation: Array.from({ length: 15 }, (_, step) => 1.1 + 0.05 * step),
  brightness: Array.from({ length: 14 }, (_, step) => 1.04 + 0.02 * step),
};
/**
 * Mean difference in levels between colors and the changed ones that they come from, over the share of the pixels
 * that fits best: edges and what was laid over an image don't.
 */
const CHANGED = 6;
const FITTING_SHARE = 0.75;
/** The same without a change, below which nobody sees one. */
const LEAST_CHANGE = 2;
/** Share of the difference without a change that must remain at most. */
const IMPROVEMENT = 0.6;
const MAX_SAMPLED = 600;
/** Pixels looked at for that, most of which may be gray. */
const MAX_VISITED = 30_011;

/**
 * Whether one of the images is the other with stronger or brighter colors, as programs make them: one factor for all
 * colors, or one for each channel as in a white balance, clipped to the gamut. The other image then gets the same colors.
 */
export function matchColorChange(seen: { one: Planes; other: Planes }): boolean {
  const { one, other } = seen;
  const pixels = samplePixels(one, other, GRAY);
  const sumOf = (side: 'one' | 'other', value: (color: Cell['one']) => number): number =>
    pixels.reduce((sum, pixel) => sum + value(pixel[side]), 0);
  const strength = ({ blue, red }: Cell['one']): number => Math.hypot(blue, red);
  const light = ({ gray }: Cell['one']): number => gray;
  const families = [
    { formulas: saturationFormulas, factors: FACTORS.saturation, amount: strength },
    { formulas: brightnessFormulas, factors: FACTORS.brightness, amount: light },
  ];
  let best: ColorChange | null = null;
  for (const { amount, factors, formulas } of families) {
    const isOneLess = sumOf('one', amount) < sumOf('other', amount);
    const [from, to] = isOneLess ? (['one', 'other'] as const) : (['other', 'one'] as const);
    const unchanged = errorOf((color) => color, { pixels, from, to });
    if (unchanged < LEAST_CHANGE) continue;
    const most = Math.min(CHANGED, IMPROVEMENT * unchanged);
    for (const change of formulas.flatMap((formula) => factors.map(formula))) {
      const error = errorOf(change, { pixels, from, to });
      if (error < Math.min(most, best?.error ?? most)) best = { error, change, from };
    }
  }
  const balance = findBalance(samplePixels(one, other, 0));
  if (balance) {
    const to = balance.from === 'one' ? 'other' : 'one';
    const error = errorOf(balance.change, { ...balance, pixels, to });
    if (error < (best?.error ?? CHANGED)) best = { ...balance, error };
  }
  if (best === null) return false;
  seen[best.from] = changeColors(seen[best.from], best.change);
  return true;
}

/** Factors of a white balance, and how many pixels tell one. */
const BALANCE = { least: 0.8, most: 1.25 };
export const MIN_TELLING = 20;
/** Levels of a channel between which the ratio of two images tells its factor: neither clipped nor mostly rounded. */
export const TELLING = { least: 20, most: 250 };

/** A factor for each channel that explains all pixels: light on a white wall shifts the wall, paint on it doesn't. */
function findBalance(pixels: readonly Cell[]): ColorChange | null {
  const balances = (['one', 'other'] as const).flatMap((from): ColorChange[] => {
    const to = from === 'one' ? 'other' : 'one';
    const colors = pixels.map((pixel) => [toRgb(pixel[from]), toRgb(pixel[to])] as const);
    const [red, green, blue] = ([0, 1, 2] as const).map((channel) => {
      const ratios = colors.flatMap(([before, after]) => {
        const [a, b] = [before[channel], after[channel]];
        return a > TELLING.least && b > TELLING.least && b < TELLING.most ? [b / a] : [];
      });
      ratios.sort((left, right) => left - right);
      return ratios.length < MIN_TELLING ? 1 : (ratios[ratios.length >> 1] ?? 1);
    }) as [number, number, number];
    if ([red, green, blue].some((factor) => factor < BALANCE.least || factor > BALANCE.most)) {
      return [];
    }
    const unchanged = errorOf((color) => color, { pixels, from, to });
    if (unchanged < LEAST_CHANGE) return [];
    const change: Change = ([r, g, b]) => [red * r, green * g, blue * b];
    const error = errorOf(change, { pixels, from, to });
    if (!(error < Math.min(CHANGED, IMPROVEMENT * unchanged))) return [];
    // Of all pixels: what was clipped on the way there doesn't come back.
    return [{ change, from, error: errorOf(change, { pixels, from, to, share: 1 }) }];
  });
  return balances.sort((one, other) => one.error - other.error)[0] ?? null;
}

interface ColorChange {
  /** See `errorOf`. */
  error: number;
  change: Change;
  from: 'one' | 'other';
}

/** Mean difference in levels over the share of the pixels that fits best; see `CHANGED`. */
function errorOf(
  change: Change,
  {
    from,
    pixels,
    share = FITTING_SHARE,
    to,
  }: { pixels: readonly Cell[]; from: 'one' | 'other'; to: 'one' | 'other'; share?: number },
): number {
  const errors = Float64Array.from(pixels, (pixel) =>
    distanceOf(changed(pixel[from], change), pixel[to]),
  ).sort();
  const fitting = errors.slice(0, Math.ceil(share * errors.length));
  return fitting.reduce((sum, error) => sum + error, 0) / fitting.length;
}

/** Of red, green and blue, 0 to 255. */
export type Change = (color: Rgb) => Rgb;

/** Pixels of both images where the first has color, evenly spread. */
function samplePixels(one: Planes, other: Planes, leastStrength: number): Cell[] {
  const at = ({ blue, gray, red }: Planes, place: number): Cell['one'] => ({
    gray: gray.values[place] ?? 0,
    blue: blue[place] ?? 0,
    red: red[place] ?? 0,
  });
  const stride = Math.max(1, Math.floor(one.blue.length / MAX_VISITED));
  const places: number[] = [];
  for (let place = 0; place < one.blue.length; place += stride) {
    const [blue, red] = [one.blue[place] ?? 0, one.red[place] ?? 0];
    const isSeen = !Number.isNaN(one.gray.values[place]) && !Number.isNaN(other.gray.values[place]);
    if (isSeen && Math.hypot(blue, red) >= leastStrength) places.push(place);
  }
  const step = Math.max(1, places.length / MAX_SAMPLED);
  return Array.from({ length: Math.floor(places.length / step) }, (_, index) => {
    const place = places[Math.floor(index * step)] ?? 0;
    return { one: at(one, place), other: at(other, place) };
  });
}

function distanceOf(one: Cell['one'], other: Cell['one']): number {
  return Math.hypot(one.gray - other.gray, one.blue - other.blue, one.red - other.red);
}

/** Channels of the result are clipped to their range. */
export function changed(color: Cell['one'], change: Change): Cell['one'] {
  return fromRgb(change(toRgb(color)));
}

function changeColors({ blue, gray, red }: Planes, change: Change): Planes {
  const result: Planes = {
    gray: { ...gray, values: new Float32Array(gray.values.length) },
    blue: new Float32Array(blue.length),
    red: new Float32Array(red.length),
  };
  for (let place = 0; place < blue.length; place += 1) {
    const before = {
      gray: gray.values[place] ?? 0,
      blue: blue[place] ?? 0,
      red: red[place] ?? 0,
    };
    const after = Number.isNaN(before.gray) ? before : changed(before, change);
    result.gray.values[place] = after.gray;
    result.blue[place] = after.blue;
    result.red[place] = after.red;
  }
  return result;
}

function grayBy(formula: (color: Rgb) => number, planes: Planes): Planes {
  const values = planes.gray.values.map((gray, place) =>
    formula(toRgb({ gray, blue: planes.blue[place] ?? 0, red: planes.red[place] ?? 0 })),
  );
  return { ...planes, gray: { ...planes.gray, values } };
}

/** A color as it is stored: no channel below 0 or above 255. */
export function withinGamut(color: Cell['one']): Cell['one'] {
  return fromRgb(toRgb(color));
}

/** Channels are clipped to their range. */
function fromRgb([r, g, b]: Rgb): Cell['one'] {
  const [red, green, blue] = [clipByte(r), clipByte(g), clipByte(b)];
  const gray = 0.299 * red + 0.587 * green + 0.114 * blue;
  return { gray, blue: 0.564 * (blue - gray), red: 0.713 * (red - gray) };
}

function clipByte(value: number): number {
  return Math.min(255, Math.max(0, value));
}

type Rgb = readonly [number, number, number];

/** Channels may be beyond their range. */
export function toRgb({ blue, gray, red }: Cell['one']): Rgb {
  const [r, b] = [gray + red / 0.713, gray + blue / 0.564];
  return [r, (gray - 0.299 * r - 0.114 * b) / 0.587, b];
}

const linear = (value: number): number => (Math.min(255, Math.max(0, value)) / 255) ** 2.2;

/** How programs turn colors into gray: luma of BT.601 and BT.709, luminance, mean, and luminance by sRGB's own curve. */
const grayFormulas: readonly ((color: Rgb) => number)[] = [
  ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b,
  ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b,
  ([r, g, b]) => 255 * (0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)) ** (1 / 2.2),
  ([r, g, b]) => (r + g + b) / 3,
  (color) => {
    const [r, g, b] = [decodeGamma(color[0]), decodeGamma(color[1]), decodeGamma(color[2])];
    return encodeGamma(0.2126 * r + 0.7152 * g + 0.0722 * b);
  },
];

/** How programs change the saturation: chroma of CIELAB, and distance from luma. */
const saturationFormulas: readonly ((factor: number) => Change)[] = [
  (factor) => (color) => {
    const [x, y, z] = toXyz(color);
    const [fx, fy, fz] = [Math.cbrt(x), Math.cbrt(y), Math.cbrt(z)];
    return fromXyz([(fy + factor * (fx - fy)) ** 3, y, (fy + factor * (fz - fy)) ** 3]);
  },
  (factor) =>
    ([r, g, b]) => {
      const luma = 0.299 * r + 0.587 * g + 0.114 * b;
      return [luma + factor * (r - luma), luma + factor * (g - luma), luma + factor * (b - luma)];
    },
];

type Xyz = readonly [number, number, number];

/** Relative to the white of D65, from sRGB (IEC 61966-2-1). */
function toXyz(color: Rgb): Xyz {
  const [r, g, b] = [decodeGamma(color[0]), decodeGamma(color[1]), decodeGamma(color[2])];
  return [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ];
}

function fromXyz([relativeX, y, relativeZ]: Xyz): Rgb {
  const [x, z] = [0.9505 * relativeX, 1.089 * relativeZ];
  return [
    encodeGamma(3.2406 * x - 1.5372 * y - 0.4986 * z),
    encodeGamma(-0.9689 * x + 1.8758 * y + 0.0415 * z),
    encodeGamma(0.0557 * x - 0.204 * y + 1.057 * z),
  ];
}

function decodeGamma(value: number): number {
  const part = clipByte(value) / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function encodeGamma(part: number): number {
  if (part <= 0) return 0;
  return 255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055);
}

const brightnessFormulas: readonly ((factor: number) => Change)[] = [
  (factor) =>
    ([r, g, b]) => [factor * r, factor * g, factor * b],
];
