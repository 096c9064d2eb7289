import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { QuantizedIndex, type IndexState } from './quantized-index';

const MAGIC = 'ISindex1';
const PREFIX_BYTES = MAGIC.length + Uint32Array.BYTES_PER_ELEMENT;
const CHECKSUM_BYTES = Uint32Array.BYTES_PER_ELEMENT;
const LARGEST_HEADER = 65_536;
/** Bytes that are written in one step, which takes some milliseconds. */
const CHUNK = 4 * 1024 * 1024;

const headerSchema = z.object({
  /** Of this state of this collection, which knows it, too. */
  id: z.string(),
  dimensions: z.int().positive(),
  rows: z.int().nonnegative(),
  /** Leading dimensions; 0 for none. */
  leading: z.int().nonnegative(),
  settings: z.object({ wanted: z.number(), measuredAt: z.number() }).nullable(),
});
type Header = z.output<typeof headerSchema>;

export type IndexSettings = Header['settings'];

export interface StoredIndex {
  index: QuantizedIndex;
  settings: IndexSettings;
}

/** Beside the vector file; may be deleted at any time. */
export function indexFileOf(vectorFile: string, number: number): string {
  return `${vectorFile}-index-${String(number)}`;
}

/** Deletes the files of collections that are gone, and what a process that ended has left behind. */
export function removeUnusedIndexFiles(vectorFile: string, numbers: readonly number[]): void {
  const used = new Set(numbers.map((number) => path.basename(indexFileOf(vectorFile, number))));
  const prefix = `${path.basename(vectorFile)}-index-`;
  for (const name of readdirSync(path.dirname(vectorFile))) {
    if (!name.startsWith(prefix) || used.has(name)) continue;
    rmSync(path.join(path.dirname(vectorFile), name), { force: true });
  }
}

/**
 * Writes an index in steps: a header, what `QuantizedIndex.state` has, the codes, and a checksum of all that. The file
 * appears when it is complete.
 *
 * @param isCurrent whether the index is as it was at the first step; asked before each further one
 * @returns the new id; null when the index has changed
 */
export function* writeIndexFile(
  file: string,
  { index, settings }: StoredIndex,
  isCurrent: () => boolean,
): Generator<void, string | null> {
  const id = randomUUID();
  const { state } = index;
  const draft = `${file}.${id}`;
  const descriptor = openSync(draft, 'w');
  try {
    const [codes, leadingCodes] = index.rowBytes();
    const header: Header = {
      id,
      dimensions: state.quantizer.mean.length,
      rows: state.keys.length,
      leading: state.leading?.directions.length ?? 0,
      settings,
    };
    let checksum = 0;
    for (const part of [encodeHeader(header), ...partsOf(state), codes, leadingCodes]) {
      for (let first = 0; first < part.length; first += CHUNK) {
        const chunk = part.subarray(first, first + CHUNK);
        writeAll(descriptor, chunk);
        checksum = crc32(chunk, checksum);
        yield;
        if (!isCurrent()) return null;
      }
    }
    writeAll(descriptor, bytesOf(Uint32Array.of(checksum)));
    renameSync(draft, file);
    return id;
  } finally {
    closeSync(descriptor);
    rmSync(draft, { force: true });
  }
}

/** Null when there is none with this id and these dimensions, or it isn't as it was written. */
export function readIndexFile(
  file: string,
  expected: Pick<Header, 'id' | 'dimensions'>,
): StoredIndex | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return null;
  }
  try {
    return readIndex(descriptor, expected);
  } catch (error) {
    if (error instanceof UnreadableIndexError) return null;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

class UnreadableIndexError extends Error {
  override readonly name = 'UnreadableIndexError';
}

function readIndex(
  descriptor: number,
  expected: Pick<Header, 'id' | 'dimensions'>,
): StoredIndex | null {
  const reader = new Reader(descriptor);
  const header = decodeHeader(reader);
  if (header === null || header.id !== expected.id) return null;
  const { dimensions, rows, leading, settings } = header;
  if (dimensions !== expected.dimensions) return null;
  const state = emptyState(header);
  const parts = partsOf(state);
  const widthOf = (count: number): number => Math.ceil(count / 16) * 16;
  const length =
    parts.reduce((sum, part) => sum + part.length, reader.position) +
    rows * (widthOf(dimensions) + widthOf(leading)) +
    CHECKSUM_BYTES;
  if (fstatSync(descriptor).size !== length) return null;
  for (const part of parts) reader.fill(part);
  const index = QuantizedIndex.restore(state, (codes, leadingCodes) => {
    reader.fill(codes);
    reader.fill(leadingCodes);
  });
  const { checksum } = reader;
  const stored = new Uint32Array(1);
  reader.fill(bytesOf(stored));
  return stored[0] === checksum ? { index, settings } : null;
}

class Reader {
  readonly #descriptor: number;
  position = 0;
  /** Of all that was read. */
  checksum = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  fill(target: Uint8Array): void {
    for (let first = 0; first < target.length; first += CHUNK) {
      const chunk = target.subarray(first, first + CHUNK);
      let done = 0;
      while (done < chunk.length) {
        const count = readSync(this.#descriptor, chunk, done, chunk.length - done, this.position);
        if (count === 0) throw new UnreadableIndexError('It ends early.');
        done += count;
        this.position += count;
      }
      this.checksum = crc32(chunk, this.checksum);
    }
  }
}

function encodeHeader(header: Header): Uint8Array {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(Uint32Array.BYTES_PER_ELEMENT);
  length.writeUInt32LE(text.length);
  return Buffer.concat([Buffer.from(MAGIC, 'latin1'), length, text]);
}

function decodeHeader(reader: Reader): Header | null {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  reader.fill(prefix);
  const length = prefix.readUInt32LE(MAGIC.length);
  if (prefix.toString('latin1', 0, MAGIC.length) !== MAGIC || length > LARGEST_HEADER) return null;
  const text = Buffer.alloc(length);
  reader.fill(text);
  try {
    return headerSchema.safeParse(JSON.parse(text.toString())).data ?? null;
  } catch {
    return null;
  }
}

function emptyState({ dimensions, rows, leading }: Header): IndexState {
  const directions = Array.from({ length: leading }, () => new Float32Array(dimensions));
  return {
    quantizer: { mean: new Float64Array(dimensions), scale: new Float64Array(dimensions) },
    keys: new Float64Array(rows),
    errors: new Float64Array(rows),
    leading: leading === 0 ? null : { directions, deviations: new Float64Array(leading) },
  };
}

/** In their order in the file. */
function partsOf({ quantizer, keys, errors, leading }: IndexState): Uint8Array[] {
  const arrays = [quantizer.mean, quantizer.scale, keys, errors];
  const further = leading === null ? [] : [...leading.directions, leading.deviations];
  return [...arrays, ...further].map(bytesOf);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(descriptor, bytes, done);
}
