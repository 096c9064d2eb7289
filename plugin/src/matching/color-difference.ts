import {
  type Cell,
  type Change,
  changed,
  MIN_TELLING,
  TELLING,
  toRgb,
  type Tone,
} from './tone-matching';

/** Strength of color below which a cell is gray. */
const GRAY = 7;
/** Median difference in color, in levels, of colored cells; compression and ±15 % of light stay below. */
const OTHER_COLORS = 4;
/** Gray level from which a hue can be told. */
const LEAST_LIGHT = 24;
/** Difference of two paints in units of the light, and share of the cells that must have another paint than most. */
const UNLIKE = 0.14;
const UNLIKE_SHARE = 0.04;
/** Gray levels from which a neutral cell is white paper, and below which one isn't. */
const PAPER = 235;
const INK = 215;

/**
 * Whether two images that match differ in color by more than light and compression explain: `proven` if unlike paints
 * agree on the change, because a white balance shifts the red chair and the white wall. One fabric in a warmer light
 * looks like another dye: `unproven`.
 */
export function colorDifferenceOf(
  cells: readonly Cell[],
  { gain, offset }: Pick<Tone, 'gain' | 'offset'>,
): 'none' | 'proven' | 'unproven' {
  const colored = cells.filter(
    ({ one, other }) => Math.max(strengthOf(one), strengthOf(other)) > GRAY,
  );
  if (colored.length < MIN_TELLING) return 'none';
  // Of single channels: where one is clipped, gray got less light.
  const ratios = cells.flatMap(({ one, other }) => {
    const [before, after] = [toRgb(one), toRgb(other)];
    return ([0, 1, 2] as const).flatMap((channel) => {
      const [a, b] = [before[channel], after[channel]];
      return a > TELLING.least && b > TELLING.least && b < TELLING.most ? [b / a] : [];
    });
  });
  const light = ratios.length < MIN_TELLING ? 1 : medianOf(ratios);
  const lights: readonly Change[] = [
    (color) => color,
    ([r, g, b]) => [light * r, light * g, light * b],
    ([r, g, b]) => [gain * r + offset, gain * g + offset, gain * b + offset],
  ];
  const isExplained = lights.some((change) => {
    const differences = colored.map(({ one, other }) => {
      const { blue, red } = changed(one, change);
      return Math.hypot(blue - other.blue, red - other.red);
    });
    return medianOf(differences) <= OTHER_COLORS;
  });
  if (isExplained) return 'none';
  const isTold = (['one', 'other'] as const).some(
    (side) => unlikeShareOf(cells.map((cell) => cell[side])) >= UNLIKE_SHARE,
  );
  return isTold || hasPaper(cells) ? 'proven' : 'unproven';
}

/** Whether one of the images has white paper beside something darker: what becomes of it tells light from paint. */
function hasPaper(cells: readonly Cell[]): boolean {
  const least = UNLIKE_SHARE * cells.length;
  return (['one', 'other'] as const).some((side) => {
    const colors = cells.map((cell) => cell[side]);
    const paper = colors.filter((color) => color.gray > PAPER && strengthOf(color) < GRAY);
    return paper.length >= least && colors.filter(({ gray }) => gray < INK).length >= least;
  });
}

/** Share of the cells with another paint than most, rather than more or less light on it. */
function unlikeShareOf(colors: readonly Cell['one'][]): number {
  const lit = colors.filter(({ gray }) => gray > LEAST_LIGHT);
  const [blue, red] = [
    medianOf(lit.map(({ blue, gray }) => blue / gray)),
    medianOf(lit.map(({ gray, red }) => red / gray)),
  ];
  const unlike = lit.filter(
    (color) => Math.hypot(color.blue / color.gray - blue, color.red / color.gray - red) > UNLIKE,
  );
  return unlike.length / Math.max(1, colors.length);
}

function strengthOf({ blue, red }: Cell['one']): number {
  return Math.hypot(blue, red);
}

function medianOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[sorted.length >> 1] ?? 0;
}
