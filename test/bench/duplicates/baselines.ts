import { decodeThumbnail } from '../../../plugin/src/images/trace';
import { toPlane, resample, type Plane } from '../../../plugin/src/matching/plane';
import { cosine } from './similarity';
import type { Subject } from './traces';

/*
 * What the duplicates are compared with: the plain perceptual hash of 64 bits (8 × 8 low frequencies of 32 × 32 gray
 * pixels against their median) within the distance of 10 that is usual for it, and closeness of embeddings alone.
 */

const HASH_GRID = 32;
const FREQUENCIES = 8;
const HASH_DISTANCE = 10;
const EMBEDDING_SIMILARITY = 0.9;

const hashes = new WeakMap<Subject, Uint8Array>();

export function hasClosePlainHash(one: Subject, other: Subject): boolean {
  const left = plainHash(one);
  const right = plainHash(other);
  let distance = 0;
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) distance += 1;
  }
  return distance <= HASH_DISTANCE;
}

export function hasCloseEmbedding(one: Subject, other: Subject): boolean {
  return cosine(one.vector, other.vector) >= EMBEDDING_SIMILARITY;
}

function plainHash(subject: Subject): Uint8Array {
  const known = hashes.get(subject);
  if (known) return known;
  const thumbnail = decodeThumbnail(subject.trace.thumbnail ?? '');
  if (thumbnail === null) throw new Error(`${subject.name} has no thumbnail.`);
  const hash = bitsOf(resample(toPlane(thumbnail), { width: HASH_GRID, height: HASH_GRID }));
  hashes.set(subject, hash);
  return hash;
}

function bitsOf({ values }: Plane): Uint8Array {
  const coefficients = Array.from({ length: FREQUENCIES ** 2 }, (_, index) => {
    const vertical = Math.floor(index / FREQUENCIES);
    const horizontal = index % FREQUENCIES;
    let sum = 0;
    for (let row = 0; row < HASH_GRID; row += 1) {
      const rowWave = Math.cos((Math.PI * vertical * (row + 0.5)) / HASH_GRID);
      for (let column = 0; column < HASH_GRID; column += 1) {
        const wave = Math.cos((Math.PI * horizontal * (column + 0.5)) / HASH_GRID);
        sum += (values[row * HASH_GRID + column] ?? 0) * rowWave * wave;
      }
    }
    return sum;
  });
  const sorted = coefficients.slice(1).sort((one, other) => one - other);
  const median = sorted[sorted.length >> 1] ?? 0;
  return Uint8Array.from(coefficients, (coefficient) => (coefficient > median ? 1 : 0));
}
