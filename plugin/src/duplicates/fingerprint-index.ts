import { setImmediate as nextTurn } from 'node:timers/promises';
import { closeFingerprints, toWords } from '../matching/fingerprint';
import type { DerivedTraits } from '../images/contract';
import type { ImageTrace } from '../matching/contract';
import { isTelling, tilesOf } from '../matching/tiles';
import { TILE_DISTANCE } from '../matching/verdict';

/** What is looked up of an image. */
export type FingerprintSet = DerivedTraits['fingerprints'];

/** None of documents and videos, which have a thumbnail but are no images. */
export function fingerprintsOf(
  trace: Pick<ImageTrace, 'fingerprint' | 'thumbnail'>,
): FingerprintSet {
  const { fingerprint } = trace;
  if (fingerprint === null) return { whole: null, tiles: [] };
  return {
    whole: isTelling(fingerprint) ? fingerprint.bits : null,
    tiles: tilesOf(trace).map((tile) => tile.fingerprint.bits),
  };
}

/** Fingerprints compared between two turns of the event loop: less than a millisecond. */
const PER_TURN = 50_000;

/** Fingerprints of many files in memory, 36 bytes each, compared one by one. Nothing is ever removed. */
export class FingerprintIndex {
  readonly #wholes = new FingerprintList();
  readonly #tiles = new FingerprintList();

  add(fileId: number, { tiles, whole }: FingerprintSet): void {
    if (whole !== null) this.#wholes.add(fileId, toWords(whole));
    for (const tile of new Set(tiles)) this.#tiles.add(fileId, toWords(tile));
  }

  /** Files as `ImageTraces.sharingTiles` returns them. */
  async sharingTiles({ tiles, whole }: FingerprintSet, limit: number): Promise<number[]> {
    const distances = new Map<number, number>();
    if (whole !== null) await this.#tiles.collect(toWords(whole), distances);
    for (const tile of new Set(tiles)) await this.#wholes.collect(toWords(tile), distances);
    return [...distances]
      .sort(([, one], [, other]) => one - other)
      .slice(0, limit)
      .map(([fileId]) => fileId);
  }
}

const WORDS = 8;
const FIRST_CAPACITY = 256;

class FingerprintList {
  #fileIds = new Int32Array(FIRST_CAPACITY);
  #words = new Int32Array(FIRST_CAPACITY * WORDS);
  #length = 0;

  add(fileId: number, words: Int32Array): void {
    if (this.#length === this.#fileIds.length) {
      this.#fileIds = doubled(this.#fileIds);
      this.#words = doubled(this.#words);
    }
    this.#fileIds[this.#length] = fileId;
    this.#words.set(words, this.#length * WORDS);
    this.#length += 1;
  }

  /** Enters the files that look alike, each with its least distance. */
  async collect(words: Int32Array, distances: Map<number, number>): Promise<void> {
    for (let start = 0; start < this.#length; start += PER_TURN) {
      if (start > 0) await nextTurn();
      const range = { words: this.#words, start, end: Math.min(this.#length, start + PER_TURN) };
      for (const { distance, position } of closeFingerprints(words, range, TILE_DISTANCE)) {
        const fileId = this.#fileIds[position] ?? 0;
        distances.set(fileId, Math.min(distance, distances.get(fileId) ?? distance));
      }
    }
  }
}

function doubled(values: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * values.length);
  larger.set(values);
  return larger;
}
