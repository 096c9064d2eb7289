import sharp from 'sharp';
import { createSeededRandom, type SeededRandom } from '../../../sample/seeded-random';

/** Two images that look alike in miniature but aren't duplicates. */
export interface HardNegative {
  /** Names the kind and the variant. */
  name: string;
  kind: string;
  one: Buffer;
  other: Buffer;
}

/** `layout` gives the same numbers for both images of a pair, `content` different ones. */
interface Painter {
  layout: SeededRandom;
  content: SeededRandom;
  /** 0 for the first image of the pair, 1 for the second. */
  index: number;
}

type Draw = (painter: Painter) => string;
const VARIANTS_PER_KIND = 5;

/**
 * Pairs of documents, charts, templates, products, logos and the like, drawn from code. Nothing drawn depends on
 * installed fonts.
 *
 * @param perKind how many pairs of each kind
 * @param split names the random numbers: pairs of one split have nothing in common with those of another
 */
export async function createHardNegatives(
  split: string,
  perKind = VARIANTS_PER_KIND,
): Promise<HardNegative[]> {
  const pairs: HardNegative[] = [];
  for (const [kind, draw] of Object.entries(kinds)) {
    for (let variant = 0; variant < perKind; variant += 1) {
      const name = `${kind} ${String(variant + 1)}`;
      const [one, other] = await Promise.all(
        [0, 1].map((index) => render(draw, { name: `${split} ${name}`, index })),
      );
      if (one && other) pairs.push({ name, kind, one, other });
    }
  }
  return pairs;
}

async function render(
  draw: Draw,
  { index, name }: { name: string; index: number },
): Promise<Buffer> {
  const layout = createSeededRandom(name);
  const content = createSeededRandom(`${name} ${String(index)}`);
  const image = sharp(Buffer.from(draw({ layout, content, index }))).flatten({
    background: '#fff',
  });
  // Half of them as photographs and shop images are saved.
  return createSeededRandom(`${name} format`).chance(0.5)
    ? image.png().toBuffer()
    : image.jpeg({ quality: 88 }).toBuffer();
}

const n = (value: number): string => value.toFixed(1);
function svg(width: number, height: number, body: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${n(width)}" height="${n(height)}">${body}</svg>`;
}

function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  more = '',
): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${fill}" ${more}/>`;
}

function circle(x: number, y: number, radius: number, fill: string, more = ''): string {
  return `<circle cx="${n(x)}" cy="${n(y)}" r="${n(radius)}" fill="${fill}" ${more}/>`;
}

function path(d: string, stroke: string, width: number, fill = 'none'): string {
  return `<path d="${d}" stroke="${stroke}" stroke-width="${n(width)}" fill="${fill}" stroke-linecap="round"/>`;
}

const GLYPHS = 36;
/** Strokes of a made-up letter on a grid of 2 by 4. */
function glyph(index: number): string[] {
  const random = createSeededRandom(`glyph ${String(index % GLYPHS)}`);
  return Array.from({ length: 3 }, () => {
    const points = [0, 1].map(
      () => `${String(random.integer(0, 2))} ${String(random.integer(0, 4))}`,
    );
    return `M${points.join('L')}`;
  }).concat(`M${String(random.integer(0, 1))} ${String(random.integer(0, 1))}V4`);
}

/** A line of made-up words. */
function text(
  random: SeededRandom,
  box: { x: number; y: number; size: number; letters: number; ink?: string },
): string {
  const { ink = '#222', letters, size, x, y } = box;
  const scale = size / 4;
  const strokes: string[] = [];
  for (let place = 0; place < letters; place += 1) {
    const letter = random.integer(0, GLYPHS + 5);
    if (letter >= GLYPHS) continue;
    const left = x + place * size * 0.72;
    strokes.push(
      `<path transform="translate(${n(left)} ${n(y)}) scale(${scale.toFixed(3)})" d="${glyph(letter).join('')}"/>`,
    );
  }
  return `<g stroke="${ink}" stroke-width="0.55" fill="none" stroke-linecap="round">${strokes.join('')}</g>`;
}

function color(random: SeededRandom, [saturation, light]: readonly [number, number]): string {
  return `hsl(${String(random.integer(0, 359))},${String(saturation)}%,${String(light)}%)`;
}

const garments = [
  '#c81e28',
  '#1f3ac8',
  '#1f8c3c',
  '#141a46',
  '#f5d226',
  '#e9e9e9',
  '#202428',
  '#808080',
  '#6b4226',
  '#f096ac',
  '#d7c19a',
  '#55602a',
] as const;

/** A different garment color for each image of a pair. */
function garmentColor({ index, layout }: Painter): string {
  const first = layout.integer(0, garments.length - 1);
  const second = (first + layout.integer(1, garments.length - 1)) % garments.length;
  return garments[index === 0 ? first : second] ?? garments[0];
}

const SHIRT =
  'M170 110 L215 90 Q250 115 285 90 L330 110 L400 180 L360 220 L330 195 L330 400 L170 400 L170 195 L140 220 L100 180 Z';
const MUG =
  'M130 140 H320 V380 Q320 410 290 410 H160 Q130 410 130 380 Z M320 190 H370 Q400 190 400 220 V300 Q400 330 370 330 H320 V300 H360 Q370 300 370 290 V230 Q370 220 360 220 H320 Z';
const BAG =
  'M110 190 H390 L410 420 H90 Z M180 190 Q180 90 250 90 Q320 90 320 190 H295 Q295 120 250 120 Q205 120 205 190 Z';

function paragraph(
  random: SeededRandom,
  box: { x: number; y: number; width: number; lines: number; size: number },
): string {
  const most = Math.floor(box.width / (box.size * 0.72));
  return Array.from({ length: box.lines }, (_, line) =>
    text(random, {
      x: box.x,
      y: box.y + line * box.size * 1.9,
      size: box.size,
      letters: random.integer(Math.ceil(most * 0.8), most),
    }),
  ).join('');
}

function axes(width: number, height: number): string {
  const lines = [1, 2, 3, 4].map((line) =>
    path(`M50 ${n((height - 60) * (line / 5))}H${n(width - 30)}`, '#ddd', 1),
  );
  return lines.join('') + path(`M50 30V${n(height - 60)}H${n(width - 30)}`, '#333', 2);
}

const kinds: Readonly<Record<string, Draw>> = {
  'sale banner'({ content, layout }) {
    const ground = color(layout, [90, 55]);
    return svg(
      400,
      560,
      rect(0, 0, 400, 560, ground) +
        text(layout, { x: 80, y: 50, size: 70, letters: 5, ink: '#fff' }) +
        circle(200, 300, 125, '#d00000') +
        text(content, { x: 110, y: 260, size: 80, letters: 3, ink: '#fff' }) +
        text(content, { x: 90, y: 490, size: 26, letters: 12 }),
    );
  },
  certificate({ content, layout }) {
    return svg(
      842,
      595,
      rect(0, 0, 842, 595, '#fbf7ea') +
        rect(30, 30, 782, 535, 'none', 'stroke="#a37f2c" stroke-width="6"') +
        text(layout, { x: 230, y: 90, size: 44, letters: 12, ink: '#223' }) +
        text(layout, { x: 300, y: 180, size: 18, letters: 20 }) +
        text(content, { x: 240, y: 240, size: 36, letters: 14, ink: '#111' }) +
        text(layout, { x: 240, y: 330, size: 18, letters: 30 }) +
        text(content, { x: 340, y: 440, size: 18, letters: 11 }) +
        circle(690, 470, 48, '#b32020'),
    );
  },
  invoice({ content, layout }) {
    const rows = Array.from({ length: 14 }, (_, row) =>
      text(content, { x: 60, y: 220 + row * 24, size: 10, letters: content.integer(30, 60) }),
    );
    return svg(
      620,
      877,
      rect(0, 0, 620, 877, '#fff') +
        text(layout, { x: 60, y: 50, size: 22, letters: 9 }) +
        paragraph(layout, { x: 60, y: 100, width: 200, lines: 4, size: 10 }) +
        path('M60 200H560', '#444', 1) +
        rows.join('') +
        path('M60 570H560', '#444', 1),
    );
  },
  'page of text'({ content, layout }) {
    return svg(
      620,
      877,
      rect(0, 0, 620, 877, layout.chance(0.5) ? '#fff' : '#faf6ec') +
        paragraph(content, { x: 60, y: 60, width: 500, lines: 36, size: 11 }),
    );
  },
  'line chart'({ content, layout }) {
    const points = Array.from(
      { length: 12 },
      (_, index) => `${n(60 + index * 48)} ${n(content.between(60, 320))}`,
    );
    return svg(
      640,
      400,
      rect(0, 0, 640, 400, '#fff') +
        text(layout, { x: 200, y: 10, size: 16, letters: 16 }) +
        axes(640, 400) +
        path(`M${points.join('L')}`, color(layout, [80, 40]), 3),
    );
  },
  'bar chart'({ content, layout }) {
    const fill = color(layout, [70, 45]);
    const bars = Array.from({ length: 9 }, (_, index) => {
      const tall = content.between(60, 280);
      return rect(70 + index * 60, 340 - tall, 38, tall, fill);
    });
    return svg(640, 400, rect(0, 0, 640, 400, '#fff') + axes(640, 400) + bars.join(''));
  },
  'pie chart'({ content, layout }) {
    let angle = content.between(0, 6.28);
    const slices = Array.from({ length: 4 }, () => {
      const from = angle;
      angle += content.between(0.8, 2.2);
      const [x1, y1] = [240 + 170 * Math.cos(from), 220 + 170 * Math.sin(from)];
      const [x2, y2] = [240 + 170 * Math.cos(angle), 220 + 170 * Math.sin(angle)];
      return path(
        `M240 220L${n(x1)} ${n(y1)}A170 170 0 0 1 ${n(x2)} ${n(y2)}Z`,
        '#fff',
        2,
        color(layout, [70, 50]),
      );
    });
    return svg(
      600,
      440,
      rect(0, 0, 600, 440, '#fff') +
        circle(240, 220, 170, '#b9c4d6') +
        slices.join('') +
        paragraph(layout, { x: 450, y: 120, width: 120, lines: 5, size: 14 }),
    );
  },
  screenshot({ content, layout }) {
    const bar = color(layout, [70, 45]);
    const menu = Array.from({ length: 9 }, (_, row) =>
      text(layout, { x: 24, y: 100 + row * 40, size: 12, letters: 12, ink: '#ccd' }),
    );
    const rows = Array.from(
      { length: 9 },
      (_, row) =>
        rect(230, 90 + row * 56, 740, 44, '#fff', 'stroke="#dde"') +
        text(content, { x: 250, y: 106 + row * 56, size: 13, letters: content.integer(20, 45) }),
    );
    return svg(
      1000,
      640,
      rect(0, 0, 1000, 640, '#f6f6f9') +
        rect(0, 0, 1000, 56, bar) +
        rect(0, 56, 200, 584, '#20203c') +
        text(content, { x: 230, y: 20, size: 18, letters: 10, ink: '#fff' }) +
        menu.join('') +
        rows.join(''),
    );
  },
  'flat product'(painter) {
    const shape = painter.layout.pick([SHIRT, MUG, BAG]);
    return svg(
      500,
      500,
      rect(0, 0, 500, 500, '#fff') + path(shape, 'none', 0, garmentColor(painter)),
    );
  },
  'shaded product'(painter) {
    const shape = painter.layout.pick([SHIRT, MUG, BAG]);
    const seed = String(painter.layout.integer(1, 999));
    const fill = garmentColor(painter);
    return svg(
      500,
      500,
      '<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="#fafafa"/><stop offset="1" stop-color="#dcdcdc"/></linearGradient>' +
        `<filter id="f" x="0" y="0" width="1" height="1"><feTurbulence type="fractalNoise" baseFrequency="0.015" numOctaves="4" seed="${seed}"/>` +
        '<feColorMatrix values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  1.6 0 0 0 -0.45"/><feComposite operator="in" in2="SourceGraphic"/></filter></defs>' +
        `<rect width="500" height="500" fill="url(#g)"/>${path(shape, 'none', 0, fill)}<g filter="url(#f)">${path(shape, 'none', 0, '#000')}</g>`,
    );
  },
  logo({ content, index, layout }) {
    const symbols = [
      'M150 40L180 120H265L197 170L222 255L150 205L78 255L103 170L35 120H120Z',
      'M120 40H180V120H260V180H180V260H120V180H40V120H120Z',
      'M150 40L260 250H40Z',
      'M150 40A110 110 0 1 1 149 40ZM150 90A60 60 0 1 0 151 90Z',
      'M60 60H240V240H60Z',
    ] as const;
    const first = layout.integer(0, symbols.length - 1);
    const chosen = (first + index * layout.integer(1, symbols.length - 1)) % symbols.length;
    const [ink, ground] = layout.pick<readonly [string, string]>([
      ['#000', '#fff'],
      ['#fff', '#123a6b'],
      ['#c00', '#fff'],
    ]);
    return svg(
      300,
      300,
      rect(0, 0, 300, 300, ground) +
        (layout.chance(0.5)
          ? circle(150, 150, 140, 'none', `stroke="${ink}" stroke-width="10"`)
          : '') +
        `<g transform="translate(60 60) scale(0.6)">${path(symbols[chosen] ?? '', 'none', 0, ink)}</g>` +
        text(content, { x: 100, y: 275, size: 14, letters: 9, ink }),
    );
  },
  icon({ content, layout }) {
    const ground = color(layout, [60, 50]);
    const strokes = Array.from({ length: 5 }, () => {
      const point = () => `${n(content.between(60, 196))} ${n(content.between(60, 196))}`;
      return `M${point()}L${point()}`;
    });
    return svg(
      256,
      256,
      rect(0, 0, 256, 256, ground, 'rx="48"') + path(strokes.join(''), '#fff', 14),
    );
  },
  flag({ content, layout }) {
    const [ground, cross, bar] = [0, 1, 2].map(() => color(content, [80, 45]));
    const width = layout.chance(0.5) ? 60 : 150;
    const across =
      width === 60 ? rect(0, 120, 450, 60, cross ?? '') : rect(300, 0, 150, 300, bar ?? '');
    return svg(
      450,
      300,
      rect(0, 0, 450, 300, ground ?? '') + rect(150, 0, width, 300, cross ?? '') + across,
    );
  },
  'floor plan'({ content, layout }) {
    const [x, y] = [layout.between(240, 420), layout.between(180, 320)];
    return svg(
      700,
      500,
      rect(0, 0, 700, 500, '#fff') +
        path(`M50 50H650V450H50ZM${n(x)} 50V${n(y)}M50 ${n(y)}H${n(x + 120)}`, '#222', 6) +
        text(content, { x: 100, y: 110, size: 20, letters: 8, ink: '#a00' }) +
        text(content, { x: 480, y: 110, size: 20, letters: 8, ink: '#a00' }) +
        text(content, { x: 200, y: 390, size: 20, letters: 8, ink: '#a00' }),
    );
  },
  map({ content, layout }) {
    const roads = Array.from({ length: 9 }, () => {
      const point = () => `${n(layout.between(0, 600))} ${n(layout.between(0, 450))}`;
      return path(`M${point()}Q${point()} ${point()}`, '#fff', layout.between(4, 12));
    });
    const route = Array.from(
      { length: 5 },
      () => `${n(content.between(60, 540))} ${n(content.between(60, 390))}`,
    );
    return svg(
      600,
      450,
      rect(0, 0, 600, 450, '#e4eadf') +
        circle(layout.between(100, 500), layout.between(100, 350), 90, '#b9d9a5') +
        circle(layout.between(100, 500), layout.between(100, 350), 70, '#a6cbe3') +
        roads.join('') +
        path(`M${route.join('L')}`, '#1a5fd0', 6) +
        circle(content.between(60, 540), content.between(60, 390), 14, '#d01a1a'),
    );
  },
  face({ index, layout }) {
    const mouth = index === 0 ? 'M140 265Q200 320 260 265' : 'M140 295Q200 240 260 295';
    return svg(
      400,
      400,
      rect(0, 0, 400, 400, color(layout, [25, 80])) +
        `<ellipse cx="200" cy="200" rx="125" ry="150" fill="${color(layout, [60, 75])}"/>` +
        circle(150, 160, 15, '#222') +
        circle(250, 160, 15, '#222') +
        path(mouth, '#922', 7),
    );
  },
  calendar({ content, layout }) {
    const offset = content.integer(0, 6);
    const days = Array.from({ length: 30 }, (_, day) => {
      const cell = day + offset;
      return text(createSeededRandom(`day ${String(day)}`), {
        x: 40 + (cell % 7) * 80,
        y: 130 + Math.floor(cell / 7) * 62,
        size: 18,
        letters: 2,
      });
    });
    return svg(
      620,
      520,
      rect(0, 0, 620, 520, '#fff') +
        rect(0, 0, 620, 90, color(layout, [60, 45])) +
        text(content, { x: 180, y: 26, size: 34, letters: 8, ink: '#fff' }) +
        days.join(''),
    );
  },
  barcode({ content, layout }) {
    let x = 40;
    const bars: string[] = [];
    while (x < 440) {
      const wide = content.integer(1, 4) * 3;
      bars.push(rect(x, 60, wide, 160, '#000'));
      x += wide + content.integer(1, 4) * 3;
    }
    return svg(
      480,
      300,
      rect(0, 0, 480, 300, '#fff') +
        bars.join('') +
        text(layout, { x: 60, y: 20, size: 18, letters: 12 }) +
        text(content, { x: 60, y: 240, size: 22, letters: 16 }),
    );
  },
  'post template'({ content, layout }) {
    const seed = String(layout.integer(1, 999));
    return svg(
      600,
      600,
      `<filter id="f" x="0" y="0" width="1" height="1"><feTurbulence type="fractalNoise" baseFrequency="0.012" numOctaves="5" seed="${seed}"/>` +
        '<feColorMatrix values="1.2 0 0 0 0  0 1.1 0 0 0  0 0 1.2 0 0  0 0 0 0 1"/></filter>' +
        '<rect width="600" height="600" filter="url(#f)"/>' +
        rect(60, 180, 480, 240, '#fff', 'opacity="0.92"') +
        text(content, { x: 90, y: 210, size: 60, letters: 9, ink: '#123' }) +
        text(content, { x: 90, y: 330, size: 28, letters: 20, ink: '#123' }),
    );
  },
  /** Sheets of the same frame that have only a logo in common. */
  'contact sheet'({ content, layout }) {
    const gap = layout.integer(4, 14);
    const place = layout.integer(0, 3);
    const tiles = [0, 1, 2, 3].map((tile) => {
      const [x, y] = [gap + (tile % 2) * (240 + gap), gap + (tile >> 1) * (240 + gap)];
      return tile === place ? logo(layout, x, y) : landscape(content, x, y);
    });
    const side = 480 + 3 * gap;
    return svg(side, side, rect(0, 0, side, side, color(layout, [20, 90])) + tiles.join(''));
  },
  /** Other images beside each other in the same template. */
  'before and after'({ content, layout }) {
    const ground = color(layout, [40, 30]);
    return svg(
      600,
      420,
      rect(0, 0, 600, 420, ground) +
        landscape(content, 40, 60) +
        landscape(content, 320, 60) +
        text(layout, { x: 90, y: 330, size: 36, letters: 5, ink: '#fff' }) +
        text(layout, { x: 370, y: 330, size: 36, letters: 5, ink: '#fff' }),
    );
  },
  /** A sheet of garments, and the same garment in a color that it doesn't show. */
  'sheet of a garment'({ index, layout }) {
    const first = layout.integer(0, garments.length - 1);
    const paint = (step: number): string => garments[(first + step) % garments.length] ?? '#000';
    const shape = layout.pick([SHIRT, MUG, BAG]);
    const one = (step: number, x: number, y: number): string =>
      `<g transform="translate(${n(x)} ${n(y)})">${rect(0, 0, 500, 500, step % 2 ? '#e8e4dc' : '#f6f6f6')}` +
      `<path d="${shape}" fill="${paint(step)}" stroke="#333" stroke-width="3"/></g>`;
    if (index === 1) return svg(500, 500, one(4, 0, 0));
    return svg(1_000, 1_000, one(0, 0, 0) + one(1, 500, 0) + one(3, 0, 500) + one(2, 500, 500));
  },
  /** Screens of one program with other contents. */
  'screen of a program'({ content, layout }) {
    const bar = layout.integer(90, 160);
    const items = Array.from({ length: 7 }, (_, row) =>
      text(layout, { x: 16, y: 90 + row * 40, size: 16, letters: 6, ink: '#cfd6e4' }),
    );
    return svg(
      800,
      500,
      rect(0, 0, 800, 500, '#fafbfc') +
        rect(0, 0, bar, 500, '#1d2433') +
        rect(bar, 0, 800 - bar, 56, '#e4e7ee') +
        items.join('') +
        paragraph(content, { x: bar + 30, y: 90, width: 560, lines: 9, size: 16 }) +
        rect(bar + 30, 400, content.integer(100, 500), 40, color(content, [60, 50])),
    );
  },
};

/** Hills under a sky in a square of 240, with enough detail to tell one from another. */
function landscape(random: SeededRandom, x: number, y: number): string {
  const hills = [90, 130, 170].map((height) => {
    const points = Array.from(
      { length: 9 },
      (_, place) => `${String(place * 30)} ${String(height + random.integer(-40, 30))}`,
    );
    return `<path d="M0 240L${points.join('L')}L240 240Z" fill="${color(random, [45, random.integer(25, 65)])}"/>`;
  });
  const spots = Array.from({ length: 12 }, () =>
    circle(
      random.integer(10, 230),
      random.integer(10, 230),
      random.integer(4, 14),
      color(random, [60, 50]),
    ),
  );
  return (
    `<svg x="${n(x)}" y="${n(y)}" width="240" height="240">` +
    `${rect(0, 0, 240, 240, color(random, [50, 75]))}${hills.join('')}${spots.join('')}</svg>`
  );
}

function logo(random: SeededRandom, x: number, y: number): string {
  return (
    `<svg x="${n(x)}" y="${n(y)}" width="240" height="240">${rect(0, 0, 240, 240, '#ffffff')}` +
    `${circle(120, 95, 60, color(random, [80, 45]))}${text(random, { x: 40, y: 180, size: 34, letters: 6 })}</svg>`
  );
}
