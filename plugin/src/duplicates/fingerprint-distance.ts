/** Bits of a fingerprint that an exchange of left and right inverts: those of odd horizontal frequencies. */
const MIRROR_MASK = 0xaaaaaaaa;
const WORDS = 8;
const DIGITS_PER_WORD = 8;

/** A fingerprint's 256 bits in 8 words. */
export function wordsOf(bits: string): Int32Array {
  const words = new Int32Array(WORDS);
  for (let index = 0; index < WORDS; index += 1) {
    const start = index * DIGITS_PER_WORD;
    words[index] = Number.parseInt(bits.slice(start, start + DIGITS_PER_WORD), 16);
  }
  return words;
}

/** Bits in which two fingerprints differ, 0 to 256. */
export function fingerprintDistance(one: Int32Array, other: Int32Array): number {
  return distance(one, other, 0);
}

/** About as many bits as would differ if one of the pictures were mirrored. */
export function mirroredDistance(one: Int32Array, other: Int32Array): number {
  return distance(one, other, MIRROR_MASK);
}

function distance(one: Int32Array, other: Int32Array, mask: number): number {
  let sum = 0;
  for (let index = 0; index < WORDS; index += 1) {
    sum += countBits((one[index] ?? 0) ^ (other[index] ?? 0) ^ mask);
  }
  return sum;
}

/** Bits set in 32, counted in pairs, then in fours, then in bytes. */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
