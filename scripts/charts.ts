/** Charts of the docs, as SVG without a library: they are drawn from the figures in bench/ by docs.ts. */

/** A line of a chart with logarithmic axes. */
interface Line {
  name: string;
  color: string;
  /** In order of `x`. */
  points: Point[];
}

interface Point {
  x: number;
  y: number;
}

/** One field of such a chart. */
export interface LinePanel {
  title: string;
  unit: string;
  lines: Line[];
}

/** What is compared in a chart of bars; each row has a value for each series, or null. */
export interface BarChart {
  title: string;
  series: { name: string; color: string }[];
  rows: { name: string; values: (number | null)[] }[];
  /** Of the longest bar. */
  most: number;
  /** How a value is written beside its bar. */
  format: (value: number) => string;
}

export const colors = {
  own: '#4945ff',
  ownPale: '#a5a3ff',
  red: '#dc244c',
  green: '#328048',
  gray: '#8e8ea9',
} as const;

const INK = '#32324d';
const PALE = '#dcdce4';

const PANEL = { width: 300, height: 287, left: 48, top: 44, right: 20, bottom: 91 };
const BARS = { width: 760, left: 190, top: 34, right: 60, bar: 9, gap: 9 };

/** One field a panel, both axes logarithmic. */
export function drawLines(title: string, axisName: string, panels: readonly LinePanel[]): string {
  const size = { width: panels.length * PANEL.width, height: PANEL.height };
  return drawing(
    title,
    size,
    panels.map((panel, index) => drawPanel(panel, axisName, index * PANEL.width)),
  );
}

/** Groups of horizontal bars, one group a row. */
export function drawBars({ title, series, rows, most, format }: BarChart): string {
  const step = series.length * BARS.bar + BARS.gap;
  const scale = (BARS.width - BARS.left - BARS.right) / most;
  const legend = series.map(({ name, color }, index) => {
    const x = BARS.left + index * 170;
    return `<rect x="${String(x)}" y="12" width="12" height="8" fill="${color}"/>${text(name, { x: x + 18, y: 20 })}`;
  });
  const bars = rows.flatMap(({ name, values }, row) => {
    const y = BARS.top + row * step;
    const middle = y + (series.length * BARS.bar) / 2 + 4;
    return [
      text(name, { x: BARS.left - 10, y: middle, anchor: 'end' }),
      ...values.flatMap((value, index) => {
        if (value === null) return [];
        const [top, length] = [y + index * BARS.bar, Math.max(1, value * scale)];
        return [
          `<rect x="${String(BARS.left)}" y="${String(top)}" width="${fixed(length)}" height="${String(BARS.bar - 1)}" fill="${series[index]?.color ?? INK}"/>`,
          text(format(value), { x: BARS.left + length + 5, y: top + 8, size: 9 }),
        ];
      }),
    ];
  });
  const size = { width: BARS.width, height: BARS.top + rows.length * step + 4 };
  return drawing(title, size, [...legend, ...bars]);
}

function drawing(
  title: string,
  { width, height }: { width: number; height: number },
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" font-family="sans-serif" font-size="11" fill="${INK}">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function drawPanel({ title, unit, lines }: LinePanel, axisName: string, offset: number): string {
  const all = lines.flatMap(({ points }) => points);
  const { width, height, left, top, right, bottom } = PANEL;
  const toX = axis(
    all.map(({ x }) => x),
    [left, width - right],
  );
  const toY = axis(
    all.map(({ y }) => y),
    [height - bottom, top],
  );
  return [
    `<g transform="translate(${String(offset)} 0)">`,
    text(title, { x: left, y: 20, weight: 'bold' }),
    text(unit, { x: left, y: top - 8 }),
    ...toX.ticks.map((tick) =>
      text(shorten(tick), { x: toX.at(tick), y: height - bottom + 14, anchor: 'middle' }),
    ),
    text(axisName, { x: (left + width - right) / 2, y: height - bottom + 27, anchor: 'middle' }),
    ...toY.ticks.flatMap((tick) => [
      `<path d="M${place(left, toY.at(tick))}H${String(width - right)}" stroke="${PALE}"/>`,
      text(shorten(tick), { x: left - 6, y: toY.at(tick) + 4, anchor: 'end' }),
    ]),
    ...lines.flatMap(({ points, color }) => {
      const places = points.map(({ x, y }) => place(toX.at(x), toY.at(y)));
      return [
        `<path d="M${places.join('L')}" fill="none" stroke="${color}" stroke-width="2"/>`,
        ...points.map(
          ({ x, y }) =>
            `<circle cx="${fixed(toX.at(x))}" cy="${fixed(toY.at(y))}" r="3" fill="${color}"/>`,
        ),
      ];
    }),
    ...lines.map(({ name, color }, index) => {
      const y = height - bottom + 46 + 13 * index;
      return `<rect x="${String(left)}" y="${String(y - 7)}" width="12" height="4" fill="${color}"/>${text(name, { x: left + 18, y })}`;
    }),
    '</g>',
  ].join('\n');
}

/** A logarithmic axis over whole powers of ten that all values are within. */
function axis(values: readonly number[], [start, end]: [number, number]) {
  const lowest = Math.floor(Math.log10(Math.min(...values)));
  const highest = Math.max(lowest + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value: number) =>
      start + ((Math.log10(value) - lowest) / (highest - lowest)) * (end - start),
    ticks: Array.from({ length: highest - lowest + 1 }, (_, index) => 10 ** (lowest + index)),
  };
}

function text(
  content: string,
  {
    x,
    y,
    anchor = 'start',
    weight = 'normal',
    size = 11,
  }: { x: number; y: number; anchor?: string; weight?: string; size?: number },
): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" font-weight="${weight}" font-size="${String(size)}">${content}</text>`;
}

function place(x: number, y: number): string {
  return `${fixed(x)} ${fixed(y)}`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function shorten(value: number): string {
  if (value >= 1_000_000) return `${String(value / 1_000_000)} M`;
  return value >= 10_000 ? `${String(value / 1_000)} k` : String(Number(value.toPrecision(1)));
}
