import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { sampleImage, type FileBytes } from './library';

/** Files that people upload by accident or on purpose. */
export type UnusualFile = FileBytes & { mime: string };

const MEGABYTE = 1_000_000;
const EDGE = 256;

/** Files that aren't images, whatever their name says. */
export async function createBrokenFiles(): Promise<Record<BrokenKind, UnusualFile>> {
  const { bytes: image } = await sampleImage('dog');
  const jpeg = await sharp(image).flatten().jpeg().toBuffer();
  const png = await sharp(image).png().toBuffer();
  return {
    'text named .jpg': jpg(Buffer.from('Dear diary, there is no image today.')),
    'an empty file': jpg(Buffer.alloc(0)),
    'a JPEG without its second half': jpg(jpeg.subarray(0, jpeg.length / 2)),
    'a PNG without its second half': file('cut.png', png.subarray(0, png.length / 2)),
    'a JPEG without anything but its header': jpg(jpeg.subarray(0, 20)),
  };
}

type BrokenKind =
  | 'text named .jpg'
  | 'an empty file'
  | 'a JPEG without its second half'
  | 'a PNG without its second half'
  | 'a JPEG without anything but its header';

/** Files above a limit. */
export async function createLargeFiles(): Promise<Record<LargeKind, UnusualFile>> {
  const gif = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .gif()
    .toBuffer();
  return {
    'an image of 900 million pixels': file('bomb.png', createBlackPng(30_000, 30_000)),
    // Any bytes may follow a GIF.
    'a file of 60 MB': file('huge.gif', Buffer.concat([gif, Buffer.alloc(60 * MEGABYTE)])),
  };
}

type LargeKind = 'an image of 900 million pixels' | 'a file of 60 MB';

/** Images of a dog in uncommon encodings. */
export async function createUncommonImages(): Promise<Record<UncommonKind, UnusualFile>> {
  const dog = sharp((await sampleImage('dog')).bytes)
    .resize(EDGE, EDGE)
    .flatten({ background: 'white' });
  const pizza = sharp((await sampleImage('pizza')).bytes)
    .resize(EDGE, EDGE)
    .flatten();
  const frames = await Promise.all([dog, pizza, pizza].map((frame) => frame.png().toBuffer()));
  return {
    'an animation': file(
      'moving.gif',
      await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
    ),
    'a CMYK JPEG': jpg(await dog.clone().toColourspace('cmyk').jpeg().toBuffer()),
    'a PNG of 16 bits': file('deep.png', await dog.clone().toColourspace('rgb16').png().toBuffer()),
    'an AVIF': file('modern.avif', await dog.clone().avif().toBuffer()),
    'a TIFF': file('scan.tiff', await dog.clone().tiff().toBuffer()),
  };
}

type UncommonKind = 'an animation' | 'a CMYK JPEG' | 'a PNG of 16 bits' | 'an AVIF' | 'a TIFF';

/** A drawing that refers to files outside itself. */
export function createHostileSvg(origin: string): UnusualFile {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
      width="200" height="200">
    <script>fetch('${origin}/script')</script>
    <style>@import url('${origin}/style.css');</style>
    <image xlink:href="${origin}/image.png" width="50" height="50"/>
    <image href="file:///etc/hostname" width="50" height="50"/>
    <circle cx="100" cy="100" r="80" fill="red"/>
  </svg>`;
  return file('drawing.svg', Buffer.from(svg));
}

const mimeTypes: Record<string, string> = {
  avif: 'image/avif',
  gif: 'image/gif',
  jpg: 'image/jpeg',
  png: 'image/png',
  svg: 'image/svg+xml',
  tiff: 'image/tiff',
};

function jpg(bytes: Buffer): UnusualFile {
  return file('image.jpg', bytes);
}

function file(fileName: string, bytes: Buffer): UnusualFile {
  const mime = mimeTypes[fileName.split('.').at(-1) ?? ''];
  if (mime === undefined) throw new RangeError(`No type is known for ${fileName}.`);
  return { fileName, bytes, mime };
}

/** A valid PNG with one bit per pixel: 900 million pixels in 110 kB. */
function createBlackPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * height);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    createChunk('IHDR', header),
    createChunk('IDAT', deflateSync(rows)),
    createChunk('IEND', Buffer.alloc(0)),
  ]);
}

function createChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, checksum]);
}
