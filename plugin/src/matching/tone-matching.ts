import type { Plane } from './plane';

/** A color image as planes: gray values, and blue and red difference (0 for gray), all on the inner image's grid. */
export interface Planes {
  gray: Plane;
  blue: Float32Array;
  red: Float32Array;
}

/** Median difference in gray levels between a gray copy and the gray that its colors give. */
const ONE_TONE_LUMINANCE = 2.2;

/** Means of small cells of both images. */
interface Cell {
  one: { gray: number; blue: number; red: number };
  other: { gray: number; blue: number; red: number };
}

const CELL = 8;

function cellsOf(one: Planes, other: Planes): Cell[] {
  const { height, width } = other.gray;
  const cells: Cell[] = [];
  for (let top = 0; top + CELL <= height; top += CELL) {
    for (let left = 0; left + CELL <= width; left += CELL) {
      const at = (values: Float32Array) => meanOf(values, width, { left, top });
      const gray = at(one.gray.values);
      if (Number.isNaN(gray)) continue;
      cells.push({
        one: { gray, blue: at(one.blue), red: at(one.red) },
        other: { gray: at(other.gray.values), blue: at(other.blue), red: at(other.red) },
      });
    }
  }
  return cells;
}

function meanOf(
  values: Float32Array,
  width: number,
  { left, top }: { left: number; top: number },
): number {
  let sum = 0;
  for (let row = top; row < top + CELL; row += 1) {
    const start = row * width + left;
    for (let place = start; place < start + CELL; place += 1) sum += values[place] ?? 0;
  }
  return sum / (CELL * CELL);
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

export function fitTone(one: Planes, other: Planes): Tone {
  const points = cellsOf(one, other)
    .map((cell) => [cell.one.gray, cell.other.gray] as const)
    .filter(([, after]) => after > 3 && after < 252);
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

export function matchGray({ height, values, width }: Plane, { gain, offset }: Tone): Plane {
  const matched = values.map((value) => Math.min(255, Math.max(0, gain * value + offset)));
  return { width, height, values: matched };
}

/** How the colors of the one become those of the other: saturation, and a shift that grows with the light. */
export interface ColorMatch {
  saturation: number;
  blue: Shift;
  red: Shift;
}

/** In levels, at black and for each gray level. */
interface Shift {
  base: number;
  slope: number;
}

/** With few tones, a weaker color is another paint. */
const LEAST_SATURATION = { manyTones: 0.6, fewTones: 0.75 };
const MOST_SATURATION = 2;
/** Maximum shift of white, in levels. */
const MAX_WHITE_SHIFT = 26;
const MAX_BLACK_SHIFT = 4;
const HALVING_COLOR = 10;
/** Weight of the assumption that nothing changed, in cells. */
const PRIOR_CELLS = 4;

/** Shift and saturation, in turns. */
export function fitColor(one: Planes, other: Planes, { isRich }: Tone): ColorMatch {
  const leastSaturation = isRich ? LEAST_SATURATION.manyTones : LEAST_SATURATION.fewTones;
  const cells = cellsOf(one, other);
  let saturation = 1;
  let blue: Shift = { base: 0, slope: 0 };
  let red: Shift = { base: 0, slope: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    let [product, square] = [PRIOR_CELLS * 100, PRIOR_CELLS * 100];
    const lines = { blue: new Line(), red: new Line() };
    for (const cell of cells) {
      const shifted = {
        blue: cell.other.blue - blue.base - blue.slope * cell.one.gray,
        red: cell.other.red - red.base - red.slope * cell.one.gray,
      };
      const error =
        Math.hypot(
          shifted.blue - saturation * cell.one.blue,
          shifted.red - saturation * cell.one.red,
        ) / HALVING_COLOR;
      const weight = 1 / (1 + error * error);
      product += weight * (shifted.blue * cell.one.blue + shifted.red * cell.one.red);
      square += weight * (cell.one.blue ** 2 + cell.one.red ** 2);
      lines.blue.add(weight, cell.one.gray, cell.other.blue - saturation * cell.one.blue);
      lines.red.add(weight, cell.one.gray, cell.other.red - saturation * cell.one.red);
    }
    saturation = Math.min(MOST_SATURATION, Math.max(leastSaturation, product / square));
    blue = lines.blue.fit();
    red = lines.red.fit();
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

  fit(): Shift {
    const [meanX, meanY] = [this.#x / this.#weights, this.#y / this.#weights];
    const variance = this.#xx / this.#weights - meanX * meanX + 200;
    const slope = (this.#xy / this.#weights - meanX * meanY) / variance;
    const base = meanY - slope * meanX;
    const black = clip(base, MAX_BLACK_SHIFT);
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
export function matchOneTone(seen: { one: Planes; other: Planes }): boolean {
  const cells = cellsOf(seen.one, seen.other);
  const isGray = (side: 'one' | 'other'): boolean => {
    const gray = cells.filter((cell) => Math.hypot(cell[side].blue, cell[side].red) < GRAY);
    return gray.length >= NEARLY_ALL * cells.length;
  };
  const [isOneGray, isOtherGray] = [isGray('one'), isGray('other')];
  if (isOneGray === isOtherGray) return false;
  const [colorful, gray] = isOneGray ? (['other', 'one'] as const) : (['one', 'other'] as const);
  const colored = cells.filter(
    (cell) => Math.hypot(cell[colorful].blue, cell[colorful].red) >= 2 * GRAY,
  );
  const errors = grayFormulas.map((formula) => {
    const away = colored.map((cell) => Math.abs(formula(toRgb(cell[colorful])) - cell[gray].gray));
    away.sort((one, other) => one - other);
    return away[away.length >> 1] ?? 0;
  });
  const least = Math.min(...errors);
  const formula = grayFormulas[errors.indexOf(least)];
  if (formula === undefined || !(least <= ONE_TONE_LUMINANCE)) return false;
  seen[colorful] = grayBy(formula, seen[colorful]);
  return true;
}

function grayBy(formula: (color: Rgb) => number, planes: Planes): Planes {
  const values = planes.gray.values.map((gray, place) =>
    formula(toRgb({ gray, blue: planes.blue[place] ?? 0, red: planes.red[place] ?? 0 })),
  );
  return { ...planes, gray: { ...planes.gray, values } };
}

/** A color as it is stored: no channel below 0 or above 255. */
export function withinGamut(color: Cell['one']): Cell['one'] {
  const [r, g, b] = toRgb(color).map((value) => Math.min(255, Math.max(0, value)));
  const gray = 0.299 * (r ?? 0) + 0.587 * (g ?? 0) + 0.114 * (b ?? 0);
  return { gray, blue: 0.564 * ((b ?? 0) - gray), red: 0.713 * ((r ?? 0) - gray) };
}

type Rgb = readonly [number, number, number];

function toRgb({ blue, gray, red }: Cell['one']): Rgb {
  const [r, b] = [gray + red / 0.713, gray + blue / 0.564];
  return [r, (gray - 0.299 * r - 0.114 * b) / 0.587, b];
}

const linear = (value: number): number => (Math.min(255, Math.max(0, value)) / 255) ** 2.2;

/** How programs turn colors into gray: luma of BT.601 and BT.709, luminance, and mean. */
const grayFormulas: readonly ((color: Rgb) => number)[] = [
  ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b,
  ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b,
  ([r, g, b]) => 255 * (0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)) ** (1 / 2.2),
  ([r, g, b]) => (r + g + b) / 3,
];
