import { writeSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import type { DrawingFailure, DrawingOrder } from './drawing';

/*
 * Entry of the process that draws one SVG document; see drawing.ts. Parsing and drawing run on other threads, so the
 * timers here fire even if those hang.
 */

const STANDARD_OUTPUT = 1;
const MEMORY_CHECK_MS = 10;
/** Pixels per inch. At 72, one CSS pixel is one pixel. sharp accepts this range. */
const DENSITY = { natural: 72, least: 1, most: 100_000 };

const order = JSON.parse(process.argv[2] ?? '') as DrawingOrder;

setTimeout(() => {
  fail('timeout');
}, order.timeoutMs);
setInterval(() => {
  if (process.memoryUsage.rss() > order.maxMemoryBytes) fail('out-of-memory');
}, MEMORY_CHECK_MS);

void drawStandardInput();

async function drawStandardInput(): Promise<void> {
  const svg = await buffer(process.stdin);
  const density = await fittingDensity(svg).catch((error: unknown) =>
    fail(isDrawing(svg) ? 'damaged' : 'not-svg', error),
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

/** Kills the process, because a regular exit would wait for the other threads. */
function fail(failure: DrawingFailure, error?: unknown): never {
  const message = error instanceof Error ? error.message : failure;
  writeSync(STANDARD_OUTPUT, JSON.stringify({ failure, message }));
  process.kill(process.pid, 'SIGKILL');
  throw new Error('not reached');
}
