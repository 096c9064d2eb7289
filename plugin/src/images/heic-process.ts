import { createRequire } from 'node:module';
import { buffer } from 'node:stream/consumers';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { fail, finish, readOrder } from './apart-process';
import { HEIC_SIZE_BYTES, type HeicProcessOrder } from './heic';

/*
 * Entry of the process that decodes one HEIC image; see heic.ts. libheif decodes on a thread of its own, because
 * WebAssembly blocks the thread that it runs on.
 */

interface DecodedPixels {
  width: number;
  height: number;
  /** Interleaved RGBA. */
  data: Uint8ClampedArray<ArrayBuffer>;
}

/** `heic-decode`, of which version 2 is known. */
interface HeicDecoder {
  all(file: {
    buffer: Uint8Array;
  }): Promise<{ width: number; height: number; decode: () => Promise<DecodedPixels> }[]>;
}

interface ThreadData {
  decoder: string;
  file: Uint8Array;
  maxPixels: number;
  /** Of the image that the file is to be shown by, in pixels; null if unknown. */
  size: { width: number; height: number } | null;
}

type ThreadReply =
  | ({ kind: 'decoded' } & DecodedPixels)
  | { kind: 'too-large'; width: number; height: number }
  | { kind: 'damaged'; message: string };

/** Side of the result for each pixel that is needed, so that what resizes it has something to choose from. */
const OVERSAMPLING = 2;

if (isMainThread) void decodeStandardInput();
else void decodeOnThread(workerData as ThreadData);

async function decodeOnThread(data: ThreadData): Promise<void> {
  const reply = await decode(data).catch((error: unknown): ThreadReply => ({
    kind: 'damaged',
    message: String(error),
  }));
  parentPort?.postMessage(reply, reply.kind === 'decoded' ? [reply.data.buffer] : []);
}

async function decode({ decoder, file, maxPixels, size }: ThreadData): Promise<ThreadReply> {
  const heicDecode = createRequire(import.meta.url)(decoder) as HeicDecoder;
  const images = await heicDecode.all({ buffer: file });
  const primary =
    images.find(({ width, height }) => width === size?.width && height === size.height) ??
    images[0];
  if (!primary) return { kind: 'damaged', message: 'There is no image in it.' };
  const { height, width } = primary;
  if (width * height > maxPixels) return { kind: 'too-large', width, height };
  return { kind: 'decoded', ...(await primary.decode()) };
}

async function decodeStandardInput(): Promise<void> {
  const order = readOrder() as HeicProcessOrder;
  const input = await buffer(process.stdin);
  // libvips can read the header of what it can't decode. Its usual limits are for files with fewer tiles.
  const metadata = await sharp(input, { limitInputPixels: false, unlimited: true })
    .metadata()
    .catch(() => null);
  const file = Uint8Array.from(input);
  // The decoder refuses other brands, which libheif knows.
  file.set(Buffer.from('heic'), 8);
  const { decoder, maxPixels } = order;
  const data: ThreadData = { decoder, file, maxPixels, size: metadata?.autoOrient ?? null };
  const [entry = ''] = process.argv.slice(1);
  const reply = await new Promise<ThreadReply>((resolve, reject) => {
    new Worker(entry, { workerData: data, stderr: true, stdout: true })
      .once('message', resolve)
      .once('error', reject);
  }).catch((error: unknown) => fail('damaged', error));
  if (reply.kind === 'damaged') fail('damaged', new Error(reply.message));
  const { height, width } = reply;
  if (reply.kind === 'too-large') {
    fail('too-many-pixels', new Error(`${String(width)} × ${String(height)} pixels`));
  }
  const png = await toPng(reply, metadata?.icc, order).catch((error: unknown) =>
    fail('damaged', error),
  );
  const size = Buffer.alloc(HEIC_SIZE_BYTES);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  finish(Buffer.concat([size, png]));
}

async function toPng(
  { data, height, width }: DecodedPixels,
  profile: Buffer | undefined,
  { shorterEdge }: HeicProcessOrder,
): Promise<Buffer> {
  const edge = shorterEdge === null ? Infinity : shorterEdge * OVERSAMPLING;
  const image = sharp(data, { raw: { width, height, channels: 4 }, limitInputPixels: false });
  const isLarger = Math.min(width, height) > edge;
  const resized = isLarger ? image.resize({ width: edge, height: edge, fit: 'outside' }) : image;
  if (profile === undefined) return resized.png({ compressionLevel: 1 }).toBuffer();
  const { data: pixels, info } = await resized.raw().toBuffer({ resolveWithObject: true });
  return sharp(toTiff({ data: pixels, width: info.width, height: info.height }, profile), {
    limitInputPixels: false,
  })
    .toColourspace('srgb')
    .png({ compressionLevel: 1 })
    .toBuffer();
}

const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/** An uncompressed TIFF file: what carries both pixels and a color profile into libvips. */
function toTiff(
  { data, height, width }: { data: Uint8Array; height: number; width: number },
  profile: Buffer,
): Buffer {
  const bits = Buffer.from(Uint16Array.of(8, 8, 8, 8).buffer);
  const places = { pixels: HEADER_BYTES, bits: HEADER_BYTES + data.length };
  const directory = places.bits + bits.length + profile.length + (profile.length % 2);
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, 4, places.bits],
    // Not compressed, RGB.
    [259, SHORT, 1, 1],
    [262, SHORT, 1, 2],
    [273, LONG, 1, places.pixels],
    [277, SHORT, 1, 4],
    [278, LONG, 1, height],
    [279, LONG, 1, data.length],
    [284, SHORT, 1, 1],
    // The fourth sample is transparency.
    [338, SHORT, 1, 2],
    [34_675, UNDEFINED, profile.length, places.bits + bits.length],
  ];
  const file = Buffer.alloc(directory + 2 + ENTRY_BYTES * entries.length + 4);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directory, 4);
  file.set(data, places.pixels);
  file.set(bits, places.bits);
  file.set(profile, places.bits + bits.length);
  file.writeUInt16LE(entries.length, directory);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const place = directory + 2 + ENTRY_BYTES * index;
    file.writeUInt16LE(tag, place);
    file.writeUInt16LE(type, place + 2);
    file.writeUInt32LE(count, place + 4);
    file.writeUInt32LE(value, place + 8);
  }
  return file;
}
