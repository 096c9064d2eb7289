/**
 * What can be read of a file that decoders reject although all pixels of its first frame are there. Null if there's
 * nothing to mend.
 */
export function repair(bytes: Uint8Array): Uint8Array | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.subarray(0, 3).equals(JPEG_START)) return Buffer.concat([file, JPEG_END]);
  if (file.toString('latin1', 0, 4) === 'GIF8') return firstFrameOfGif(file);
  const isWebp =
    file.toString('latin1', 0, 4) === 'RIFF' && file.toString('latin1', 8, 12) === 'WEBP';
  return isWebp ? firstFrameOfWebp(file) : null;
}

const JPEG_START = Buffer.from([0xff, 0xd8, 0xff]);
/** The marker "end of image". */
const JPEG_END = Buffer.from([0xff, 0xd9]);

const GIF_HEADER_BYTES = 13;
const GIF_IMAGE_HEADER_BYTES = 10;
const GIF_EXTENSION = 0x21;
const GIF_IMAGE = 0x2c;
const GIF_TRAILER = Buffer.from([0x3b]);

/** Everything up to the end of the first image ("Graphics Interchange Format", version 89a, 1990). */
function firstFrameOfGif(file: Buffer): Buffer | null {
  let place = GIF_HEADER_BYTES + colorTableBytes(file[10] ?? 0);
  while (file[place] === GIF_EXTENSION) {
    const end = endOfSubBlocks(file, place + 2);
    if (end === null) return null;
    place = end;
  }
  if (file[place] !== GIF_IMAGE) return null;
  const data = place + GIF_IMAGE_HEADER_BYTES + colorTableBytes(file[place + 9] ?? 0);
  // One byte says how long codes are.
  const end = endOfSubBlocks(file, data + 1);
  return end === null || end >= file.length - 1
    ? null
    : Buffer.concat([file.subarray(0, end), GIF_TRAILER]);
}

/** @param flags bit 7: there is a table; bits 0 to 2: its size */
function colorTableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** Null if the file ends before the blocks do. */
function endOfSubBlocks(file: Buffer, start: number): number | null {
  let place = start;
  for (;;) {
    const length = file[place];
    if (length === undefined) return null;
    place += length + 1;
    if (length === 0) return place;
  }
}

const CHUNK_HEADER_BYTES = 8;
const WEBP_HEADER_BYTES = 12;
/** Of the frame's own header, before its chunks. */
const FRAME_HEADER_BYTES = 16;

/** A still image of the first frame's chunks ("WebP Container Specification"), if it fills the canvas. */
function firstFrameOfWebp(file: Buffer): Buffer | null {
  let canvas: Buffer | null = null;
  for (const { type, content } of chunksOf(file, WEBP_HEADER_BYTES)) {
    if (type === 'VP8X') canvas = content;
    if (type !== 'ANMF' || canvas === null) continue;
    const isWhole = content.subarray(6, 12).equals(canvas.subarray(4, 10));
    if (!isWhole || content.readUIntLE(0, 6) !== 0) return null;
    const header = Buffer.from(canvas);
    // Bit 4: has alpha; the others announce chunks that are left out, such as the animation's.
    header[0] = (header[0] ?? 0) & 0x10;
    const chunks = Buffer.concat([chunk('VP8X', header), content.subarray(FRAME_HEADER_BYTES)]);
    const riff = Buffer.alloc(WEBP_HEADER_BYTES, 'RIFF\0\0\0\0WEBP', 'latin1');
    riff.writeUInt32LE(chunks.length + 4, 4);
    return Buffer.concat([riff, chunks]);
  }
  return null;
}

function* chunksOf(file: Buffer, start: number): Generator<{ type: string; content: Buffer }> {
  let place = start;
  while (place + CHUNK_HEADER_BYTES <= file.length) {
    const length = file.readUInt32LE(place + 4);
    const content = file.subarray(place + CHUNK_HEADER_BYTES, place + CHUNK_HEADER_BYTES + length);
    if (content.length < length) return;
    yield { type: file.toString('latin1', place, place + 4), content };
    place += CHUNK_HEADER_BYTES + length + (length % 2);
  }
}

function chunk(type: string, content: Buffer): Buffer {
  const header = Buffer.alloc(CHUNK_HEADER_BYTES, type, 'latin1');
  header.writeUInt32LE(content.length, 4);
  return Buffer.concat([header, content]);
}
