import type { ScaleResult } from './result';

interface Series {
  name: string;
  color: string;
  /** Null where nothing was measured. */
  valueOf: (result: ScaleResult) => number | null;
}

interface Panel {
  title: string;
  unit: string;
  series: Series[];
}

interface Point {
  points: number;
  value: number;
}

const EMBEDDED = '#4945ff';
const QDRANT = '#dc244c';
const DIRECT = '#8e8ea9';
const INK = '#32324d';
const PALE = '#dcdce4';

const [WIDTH, HEIGHT] = [300, 274];
/** Around the field that the lines are in. */
const [LEFT, TOP, RIGHT, BOTTOM] = [48, 44, 20, 78];

const latencyOf =
  (clients: 'oneClient' | 'sixteenClients', store: ScaleResult['store']) =>
  (result: ScaleResult): number | null =>
    result.store === store ? result[clients].p50 : null;

const latencyPanel = (title: string, clients: 'oneClient' | 'sixteenClients'): Panel => ({
  title,
  unit: 'ms',
  series: [
    { name: 'embedded', color: EMBEDDED, valueOf: latencyOf(clients, 'embedded') },
    { name: 'Qdrant', color: QDRANT, valueOf: latencyOf(clients, 'qdrant') },
    {
      name: 'Qdrant by plain HTTP',
      color: DIRECT,
      valueOf: ({ direct }) => direct?.[clients].p50 ?? null,
    },
  ],
});

const panels: Panel[] = [
  latencyPanel('A query, alone (p50)', 'oneClient'),
  latencyPanel('A query, one of sixteen at a time (p50)', 'sixteenClients'),
  {
    title: 'Memory',
    unit: 'MiB',
    series: [
      { name: 'embedded', color: EMBEDDED, valueOf: memoryOf('embedded') },
      { name: 'Qdrant, its whole process', color: QDRANT, valueOf: memoryOf('qdrant') },
    ],
  },
];

function memoryOf(store: ScaleResult['store']) {
  return ({ store: measured, memoryBytes }: ScaleResult): number | null =>
    measured === store && memoryBytes !== null ? memoryBytes / 2 ** 20 : null;
}

/** How the stores grow with their points, as SVG: one field a figure, both axes logarithmic. */
export function drawScaleChart(results: readonly ScaleResult[]): string {
  const drawn = panels.map((panel, index) => drawPanel(panel, results, index * WIDTH));
  const [width, height] = [panels.length * WIDTH, HEIGHT].map(String);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width ?? ''} ${height ?? ''}" font-family="sans-serif" font-size="11" fill="${INK}">`,
    `<title>How the stores grow, vectors of 512 numbers</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function drawPanel(
  { title, unit, series }: Panel,
  results: readonly ScaleResult[],
  x: number,
): string {
  const lines = series.map((line) => ({ ...line, points: pointsOf(line, results) }));
  const all = lines.flatMap(({ points }) => points);
  const toX = axis(
    all.map(({ points }) => points),
    [LEFT, WIDTH - RIGHT],
  );
  const toY = axis(
    all.map(({ value }) => value),
    [HEIGHT - BOTTOM, TOP],
  );
  return [
    `<g transform="translate(${String(x)} 0)">`,
    text(title, { x: LEFT, y: 20, weight: 'bold' }),
    text(unit, { x: LEFT, y: TOP - 8 }),
    ...toX.ticks.map((tick) =>
      text(shorten(tick), { x: toX.at(tick), y: HEIGHT - BOTTOM + 14, anchor: 'middle' }),
    ),
    text('vectors', { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - BOTTOM + 27, anchor: 'middle' }),
    ...toY.ticks.flatMap((tick) => [
      `<path d="M${place(LEFT, toY.at(tick))}H${String(WIDTH - RIGHT)}" stroke="${PALE}"/>`,
      text(shorten(tick), { x: LEFT - 6, y: toY.at(tick) + 4, anchor: 'end' }),
    ]),
    ...lines.flatMap(({ points, color }) => {
      const places = points.map(({ points: at, value }) => place(toX.at(at), toY.at(value)));
      return [
        `<path d="M${places.join('L')}" fill="none" stroke="${color}" stroke-width="2"/>`,
        ...points.map(
          ({ points: at, value }) =>
            `<circle cx="${fixed(toX.at(at))}" cy="${fixed(toY.at(value))}" r="3" fill="${color}"/>`,
        ),
      ];
    }),
    ...lines.map(({ name, color }, index) => {
      const y = HEIGHT - BOTTOM + 46 + 13 * index;
      return `<rect x="${String(LEFT)}" y="${String(y - 7)}" width="12" height="4" fill="${color}"/>${text(name, { x: LEFT + 18, y })}`;
    }),
    '</g>',
  ].join('\n');
}

function pointsOf({ valueOf }: Series, results: readonly ScaleResult[]): Point[] {
  return results
    .flatMap((result) => {
      const value = valueOf(result);
      return value === null ? [] : [{ points: result.points, value }];
    })
    .sort((left, right) => left.points - right.points);
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
  }: { x: number; y: number; anchor?: string; weight?: string },
): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" font-weight="${weight}">${content}</text>`;
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
