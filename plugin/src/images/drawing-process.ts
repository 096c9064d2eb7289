import { writeSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import type { DrawingFailure, DrawingOrder } from './drawing-protocol';

/*
 * Entry of the process that draws one SVG document; see drawing.ts. Documents are parsed and drawn on other threads,
 * so that the timers here fire even while those are stuck.
 */

const STANDARD_OUTPUT = 1;
const MEMORY_CHECK_MS = 10;
/** Pixels per inch: at 72 a CSS pixel is a pixel; sharp takes no others. */
const DENSITY = { natural: 72, least: 1, most: 100_000 };

const order = JSON.parse(process.argv[2] ?? '') as DrawingOrder;

setTimeout(() => {
  fail('too-much-time');
}, order.timeoutMs);
setInterval(() => {
  if (process.memoryUsage.rss() > order.maxMemoryBytes) fail('too-much-memory');
}, MEMORY_CHECK_MS);

void drawStandardInput();

async function drawStandardInput(): Promise<void> {
  const svg = await buffer(process.stdin);
  const density = await fittingDensity(svg).catch((error: unknown) =>
    fail(isDrawing(svg) ? 'damaged' : 'no-drawing', error),
  );
  const png = await drawAt(svg, density).catch((error: unknown) => fail('damaged', error));
  process.stdout.end(png, () => process.exit());
}

async function fittingDensity(svg: Buffer): Promise<number> {
  const { format, width, height } = await sharp(svg, { limitInputPixels: false }).metadata();
  if (format !== 'svg') throw new Error(`The file is ${format}.`);
  const shorter = Math.min(width, height);
  const scale = Math.min(order.shorterEdge / shorter, order.longerEdge / Math.max(width, height));
  const density = DENSITY.natural * Math.max(scale, 1 / shorter);
  return Math.min(DENSITY.most, Math.max(DENSITY.least, density));
}

function drawAt(svg: Buffer, density: number): Promise<Buffer> {
  return sharp(svg, { limitInputPixels: false, density })
    .resize({
      width: order.longerEdge,
      height: order.longerEdge,
      fit: 'inside',
      withoutEnlargement: true,
    })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

function isDrawing(svg: Buffer): boolean {
  return /<(\w+:)?svg[\s>]/i.test(svg.toString('latin1'));
}

/** Ends the process at once: an ordinary exit would wait for the other threads. */
function fail(failure: DrawingFailure, error?: unknown): never {
  const words = error instanceof Error ? error.message : failure;
  writeSync(STANDARD_OUTPUT, JSON.stringify({ failure, words }));
  process.kill(process.pid, 'SIGKILL');
  throw new Error('not reached');
}
