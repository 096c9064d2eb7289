import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { fail, finish, readOrder } from './apart-process';
import type { DrawingOrder } from './drawing';
import { findSvgRoot, replaceRootAttributes, type SvgRoot } from './svg-root';

/* Entry of the process that draws one SVG document; see drawing.ts. */

/** Pixels per inch at which an inch is 96 CSS pixels, as in browsers. */
const CSS_DENSITY = 96;
/** Pixels per inch at which a CSS pixel is a pixel. */
const PIXEL_DENSITY = 72;
/** The densities that sharp accepts. */
const LEAST_DENSITY = 1;
const MOST_DENSITY = 100_000;
/** The longest text or attribute, in bytes, that libxml2 accepts unless it's told to have no limits at all. */
const LONGEST_ATTRIBUTE = 10_000_000;
/** Longer side below which whole pixels don't tell the proportions well enough, in pixels. */
const ROUGH_EDGE = 1_000;
/** Side of the image in which a drawing without any size is located, in pixels. */
const PROBE_EDGE = 512;

const order = readOrder() as DrawingOrder;

void drawStandardInput();

async function drawStandardInput(): Promise<void> {
  const input = await buffer(process.stdin);
  const svg = await toPlainText(input).catch((error: unknown) => fail('not-an-image', error));
  const drawing = await measure(svg).catch((error: unknown) =>
    fail(/<(\w+:)?svg[\s>]/i.test(svg.toString('latin1')) ? 'damaged' : 'not-an-image', error),
  );
  const png = await draw(drawing).catch((error: unknown) => fail('damaged', error));
  finish(png);
}

/** Uncompressed, in an encoding that contains ASCII. */
async function toPlainText(input: Buffer): Promise<Buffer> {
  const isCompressed = input[0] === 0x1f && input[1] === 0x8b;
  const svg = isCompressed ? await promisify(gunzip)(input) : input;
  const encoding = { '\xff\xfe': 'utf-16le', '\xfe\xff': 'utf-16be' }[svg.toString('latin1', 0, 2)];
  if (encoding === undefined) return svg;
  const text = new TextDecoder(encoding).decode(svg);
  return Buffer.from(text.replace(/^(<\?xml[^>]*?) encoding=("[^"]*"|'[^']*')/, '$1'));
}

interface Drawing {
  svg: Buffer;
  root: SvgRoot | null;
  isUnlimited: boolean;
  /** In CSS pixels, as librsvg derives it from the document's size, its viewBox or what it shows. */
  size: { width: number; height: number };
}

async function measure(svg: Buffer): Promise<Drawing> {
  const limited = { svg, isUnlimited: false };
  const sized = await sizeOf(limited).catch((error: unknown) => {
    if (svg.length < LONGEST_ATTRIBUTE) throw error;
    // The limits on time and memory remain.
    return sizeOf({ svg, isUnlimited: true });
  });
  return { ...sized, root: findSvgRoot(svg) };
}

async function sizeOf(document: Pick<Drawing, 'svg' | 'isUnlimited'>) {
  const { format, width, height } = await open(document, CSS_DENSITY).metadata();
  if (format !== 'svg') throw new Error(`The file is ${format}.`);
  const size = { width, height };
  if (Math.max(width, height) < ROUGH_EDGE && !document.isUnlimited) {
    const fine = await open(document, CSS_DENSITY * 10).metadata();
    // Ten times as large, or a hundred times in physical units.
    size.width = fine.width / 10 ** Math.round(Math.log10(fine.width / width));
    size.height = fine.height / 10 ** Math.round(Math.log10(fine.height / height));
  }
  const scale = PIXEL_DENSITY / CSS_DENSITY;
  return { ...document, size: { width: size.width * scale, height: size.height * scale } };
}

function open({ svg, isUnlimited }: Pick<Drawing, 'svg' | 'isUnlimited'>, density: number): Sharp {
  return sharp(svg, { limitInputPixels: false, density, unlimited: isUnlimited });
}

/**
 * A higher density would scale lengths in physical units twice: librsvg converts them to more pixels, which libvips
 * then enlarges. So the density stays at that of CSS, and the root's attributes tell the size.
 */
async function draw(drawing: Drawing): Promise<Buffer> {
  const { root, size, svg } = drawing;
  const longer = Math.max(size.width, size.height);
  const scale = Math.min(
    order.shorterEdge / Math.min(size.width, size.height),
    order.longerEdge / longer,
  );
  if (root !== null) {
    const isThin = Math.min(size.width, size.height) * scale < 1;
    const width = lengthOf(size.width * scale);
    const height = lengthOf(size.height * scale);
    const style = root.attributes.get('style') ?? '';
    const resized = replaceRootAttributes(svg, root, {
      width,
      height,
      viewBox: root.attributes.get('viewBox') ?? (await viewBoxOf(drawing, root)),
      style: `${style};width:${width}px!important;height:${height}px!important`,
      ...(isThin && { preserveAspectRatio: 'none' }),
    });
    return toPng(open({ ...drawing, svg: resized }, CSS_DENSITY));
  }
  // Its root wasn't found, for example because of its encoding.
  const density = Math.min(MOST_DENSITY, Math.max(LEAST_DENSITY, PIXEL_DENSITY * scale));
  return toPng(open(drawing, density));
}

/** A length in pixels, of which the drawing gets as many at the density of CSS. */
function lengthOf(pixels: number): string {
  return String(Math.max(1, pixels) * (PIXEL_DENSITY / CSS_DENSITY));
}

/** The part of the plane that a document without a viewBox shows. */
async function viewBoxOf(drawing: Drawing, root: SvgRoot): Promise<string> {
  const { width, height } = drawing.size;
  const hasSize = root.attributes.has('width') || root.attributes.has('height');
  const [left, top] = hasSize ? [0, 0] : await originOf(drawing, root);
  return [left, top, width, height].join(' ');
}

/** The upper left corner of what a document without any size shows; 0, 0 if that's where it starts. */
async function originOf(drawing: Drawing, root: SvgRoot): Promise<[left: number, top: number]> {
  const { svg, size } = drawing;
  const longer = Math.max(size.width, size.height);
  const probed = replaceRootAttributes(svg, root, {
    width: lengthOf(PROBE_EDGE),
    height: lengthOf(PROBE_EDGE),
    viewBox: [-longer, -longer, 4 * longer, 4 * longer].join(' '),
  });
  const unit = (4 * longer) / PROBE_EDGE;
  const { data, info } = await open({ ...drawing, svg: probed }, CSS_DENSITY)
    .extractChannel('alpha')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const first = data.findIndex((alpha) => alpha > 0);
  if (first === -1) return [0, 0];
  const leftmost = data.reduce(
    (least, alpha, place) => (alpha > 0 ? Math.min(least, place % info.width) : least),
    info.width,
  );
  const left = leftmost * unit - longer;
  const top = Math.floor(first / info.width) * unit - longer;
  const startsAtOrigin = Math.abs(left) <= 2 * unit && Math.abs(top) <= 2 * unit;
  return startsAtOrigin ? [0, 0] : [left, top];
}

function toPng(drawing: Sharp): Promise<Buffer> {
  const { longerEdge } = order;
  return drawing
    .resize({ width: longerEdge, height: longerEdge, fit: 'inside', withoutEnlargement: true })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
