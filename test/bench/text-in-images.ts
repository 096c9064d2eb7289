import { readFileSync } from 'node:fs';
import os from 'node:os';
import sharp from 'sharp';
import type { EncodedPreparation } from '../../plugin/src/images/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';
import { TextRecognizer } from '../../plugin/src/images/ocr';
import { imageWithText } from '../support/text-image';

/*
 * What text in images takes: `npx tsx test/bench/text-in-images.ts [languages, separated by commas] [photographs…]`. Time is that of
 * decoding and recognizing one image, the median of five; memory that of the process that recognizes (Linux only).
 */

const ROUNDS = 5;
const preparation: EncodedPreparation = { kind: 'encoded', mimeType: 'image/jpeg', maxEdge: 2_000 };

const [languages = 'eng', ...photographs] = process.argv.slice(2);
const recognizer = new TextRecognizer({
  projectFolder: process.cwd(),
  languages: languages.split(','),
  timeoutMs: 120_000,
});
const reader = createImageReader({
  maxBytes: 100_000_000,
  maxPixels: 100_000_000,
  timeoutMs: 60_000,
});

async function read(image: Buffer): Promise<string> {
  const { prepared } = await reader.read(image, { preparation });
  return recognizer.recognize(prepared.data);
}

function memoryOf(processId: number | null): string {
  try {
    const status = readFileSync(`/proc/${String(processId)}/status`, 'utf8');
    const kilobytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
    return `${(kilobytes / 1_000).toFixed(0)} MB`;
  } catch {
    return 'unknown';
  }
}

async function measure(name: string, image: Buffer): Promise<void> {
  const times: number[] = [];
  let text = '';
  for (let round = 0; round < ROUNDS; round += 1) {
    const begin = performance.now();
    text = await read(image);
    times.push(performance.now() - begin);
  }
  times.sort((one, other) => one - other);
  const median = times[Math.floor(ROUNDS / 2)] ?? 0;
  const peak = memoryOf(recognizer.processId);
  console.log(`${name}: ${median.toFixed(0)} ms, ${peak} at most so far, "${text.slice(0, 60)}"`);
}

/** Lines of text, as many as a page of that size has. */
async function page(width: number, height: number, size: number): Promise<Buffer> {
  const count = Math.max(1, Math.floor(height / (3 * size)));
  const lines = Array.from(
    { length: count },
    (_, index) => `INVOICE ${String(4711 + index)} of May`,
  );
  const text = await imageWithText(lines, { size });
  return sharp(text)
    .resize(width, height, { fit: 'contain', background: '#fff' })
    .jpeg()
    .toBuffer();
}

async function main(): Promise<void> {
  console.log(
    `${languages}; load ${os.loadavg()[0]?.toFixed(1) ?? ''}; ${os.cpus()[0]?.model ?? ''}`,
  );
  const began = performance.now();
  await read(await imageWithText(['warm']));
  console.log(`start: ${(performance.now() - began).toFixed(0)} ms`);
  await measure(
    'icon, 64 × 64',
    await sharp(await page(640, 480, 40))
      .resize(64, 64)
      .png()
      .toBuffer(),
  );
  await measure('small page, 640 × 480', await page(640, 480, 24));
  await measure('page, 2 megapixels', await page(1_632, 1_224, 32));
  await measure('page, 12 megapixels', await page(4_000, 3_000, 80));
  for (const file of photographs) {
    const photograph = readFileSync(file);
    for (const [name, width, height] of [
      ['as it is', null, null],
      ['2 megapixels', 1_632, 1_224],
      ['12 megapixels', 4_000, 3_000],
    ] as const) {
      const image =
        width === null
          ? photograph
          : await sharp(photograph).resize(width, height, { fit: 'cover' }).jpeg().toBuffer();
      await measure(`${file.split('/').at(-1) ?? ''}, ${name}`, image);
    }
  }
  recognizer.stop();
}

void main();
