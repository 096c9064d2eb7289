/** An uncompressed page with interleaved samples, little-endian. */
export interface TiffPage {
  width: number;
  height: number;
  bits: number;
  samples: number;
  /** 1 by default: black is zero. */
  photometric?: number;
  sampleFormat?: number;
  extraSamples?: readonly number[];
  data: Buffer;
}

const SHORT = 3;
const LONG = 4;
const HEADER_BYTES = 8;

/** A TIFF file of these pages. */
export function tiffOf(first: TiffPage, others: readonly TiffPage[] = []): Buffer {
  const parts: Buffer[] = [Buffer.from('II*\0\0\0\0\0', 'latin1')];
  let length = HEADER_BYTES;
  let link = { buffer: parts[0] ?? Buffer.alloc(0), offset: 4 };
  for (const page of [first, ...others]) {
    const data = Buffer.concat([page.data, Buffer.alloc(page.data.length % 2)]);
    link.buffer.writeUInt32LE(length + data.length, link.offset);
    const directory = directoryOf(page, { data: length, directory: length + data.length });
    parts.push(data, directory.bytes);
    length += data.length + directory.bytes.length;
    link = { buffer: directory.bytes, offset: directory.linkOffset };
  }
  return Buffer.concat(parts);
}

function directoryOf(page: TiffPage, place: { data: number; directory: number }) {
  const { bits, data, extraSamples, height, photometric = 1, sampleFormat, samples, width } = page;
  const each = (value: number): number[] => Array<number>(samples).fill(value);
  const tags: [tag: number, type: number, values: readonly number[]][] = [
    [256, LONG, [width]],
    [257, LONG, [height]],
    [258, SHORT, each(bits)],
    [259, SHORT, [1]],
    [262, SHORT, [photometric]],
    [273, LONG, [place.data]],
    [277, SHORT, [samples]],
    [278, LONG, [height]],
    [279, LONG, [data.length]],
    [284, SHORT, [1]],
    ...(extraSamples
      ? [[338, SHORT, extraSamples] satisfies [number, number, readonly number[]]]
      : []),
    ...(sampleFormat
      ? [[339, SHORT, each(sampleFormat)] satisfies [number, number, number[]]]
      : []),
  ];
  const linkOffset = 2 + 12 * tags.length;
  const entries = Buffer.alloc(linkOffset + 4);
  entries.writeUInt16LE(tags.length, 0);
  const long: Buffer[] = [];
  let end = place.directory + entries.length;
  for (const [index, [tag, type, values]] of tags.entries()) {
    const entry = 2 + 12 * index;
    entries.writeUInt16LE(tag, entry);
    entries.writeUInt16LE(type, entry + 2);
    entries.writeUInt32LE(values.length, entry + 4);
    const written = Buffer.from(
      type === SHORT ? Uint16Array.from(values).buffer : Uint32Array.from(values).buffer,
    );
    if (written.length <= 4) written.copy(entries, entry + 8);
    else {
      entries.writeUInt32LE(end, entry + 8);
      const padded = Buffer.concat([written, Buffer.alloc(written.length % 4)]);
      long.push(padded);
      end += padded.length;
    }
  }
  return { bytes: Buffer.concat([entries, ...long]), linkOffset };
}
