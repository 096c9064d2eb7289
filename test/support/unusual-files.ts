import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { samplePicture, type FileBytes } from './library';

/** What people upload by accident or on purpose. */
export type UnusualFile = FileBytes & { mime: string };

const MEGABYTE = 1_000_000;
const EDGE = 256;

/** Files that are no pictures, whatever they say. */
export async function createBrokenFiles(): Promise<Record<BrokenKind, UnusualFile>> {
  const { bytes: picture } = await samplePicture('dog');
  const jpeg = await sharp(picture).flatten().jpeg().toBuffer();
  const png = await sharp(picture).png().toBuffer();
  return {
    'text named .jpg': jpg(Buffer.from('Dear diary, there is no picture today.')),
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
    'a picture of 900 million pixels': file('bomb.png', createBlackPng(30_000, 30_000)),
    // A GIF may be followed by anything.
    'a file of 60 MB': file('huge.gif', Buffer.concat([gif, Buffer.alloc(60 * MEGABYTE)])),
  };
}

type LargeKind = 'a picture of 900 million pixels' | 'a file of 60 MB';

/** Pictures of a dog in uncommon encodings. */
export async function createUncommonPictures(): Promise<Record<UncommonKind, UnusualFile>> {
  const dog = sharp((await samplePicture('dog')).bytes)
    .resize(EDGE, EDGE)
    .flatten({ background: 'white' });
  const pizza = sharp((await samplePicture('pizza')).bytes)
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

/** A drawing that names what it has no business with. */
export function createHostileSvg(origin: string): UnusualFile {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
      width="200" height="200">
    <script>fetch('${origin}/script')</script>
    <style>@import url('${origin}/style.css');</style>
    <image xlink:href="${origin}/picture.png" width="50" height="50"/>
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
  return file('picture.jpg', bytes);
}

function file(fileName: string, bytes: Buffer): UnusualFile {
  const mime = mimeTypes[fileName.split('.').at(-1) ?? ''];
  if (mime === undefined) throw new RangeError(`No type is known for ${fileName}.`);
  return { fileName, bytes, mime };
}

/** A sound PNG of one bit per pixel: 900 million pixels are 110 kB. */
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
