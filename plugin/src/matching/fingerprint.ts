/** Mirroring an image flips these bits of its fingerprint: those of odd horizontal frequencies. */
const MIRROR_MASK = 0xaaaaaaaa;
const WORDS = 8;
const DIGITS_PER_WORD = 8;
/** Fingerprints of unrelated images differ in at least as many bits. */
const UNRELATED_DISTANCE = 80;

/** Unpacks a fingerprint's 256 bits into 8 words. */
export function toWords(bits: string): Int32Array {
  const words = new Int32Array(WORDS);
  for (let index = 0; index < WORDS; index += 1) {
    const start = index * DIGITS_PER_WORD;
    words[index] = Number.parseInt(bits.slice(start, start + DIGITS_PER_WORD), 16);
  }
  return words;
}

/** Number of bits in which two fingerprints differ, 0 to 256. */
export function fingerprintDistance(one: Int32Array, other: Int32Array): number {
  return distance(one, other, 0);
}

/** Some of many fingerprints, one after the other in `words`. */
export interface FingerprintRange {
  words: Int32Array;
  /** Position of the first one, and of that behind the last one. */
  start: number;
  end: number;
}

/** Standard deviations by which the difference of a part may be above that of its whole. */
const CHANCE = 2.5;

/**
 * Those of many fingerprints that differ from one in at most `most` bits, with their positions. Most are left out after a
 * quarter of their bits, so of those just within `most`, one in twenty is missed.
 */
export function closeFingerprints(
  one: Int32Array,
  { end, start, words }: FingerprintRange,
  most: number,
): { position: number; distance: number }[] {
  const share = most / (32 * WORDS);
  const [first = 0, second = 0] = one;
  const mostOfQuarter = Math.round(64 * share + CHANCE * Math.sqrt(64 * share * (1 - share)));
  const found: { position: number; distance: number }[] = [];
  for (let position = start; position < end; position += 1) {
    const from = position * WORDS;
    const ofQuarter =
      countBits(first ^ (words[from] ?? 0)) + countBits(second ^ (words[from + 1] ?? 0));
    if (ofQuarter > mostOfQuarter) continue;
    let sum = ofQuarter;
    for (let word = 2; word < WORDS && sum <= most; word += 1) {
      sum += countBits((one[word] ?? 0) ^ (words[from + word] ?? 0));
    }
    if (sum <= most) found.push({ position, distance: sum });
  }
  return found;
}

/** Approximate number of bits that would differ if one of the images were mirrored. */
export function mirroredDistance(one: Int32Array, other: Int32Array): number {
  return distance(one, other, MIRROR_MASK);
}

/** Whether two images probably lie edge to edge. */
export function isClose(one: Int32Array, other: Int32Array): boolean {
  return fingerprintDistance(one, other) < UNRELATED_DISTANCE;
}

/** Whether one image and the mirror image of the other probably lie edge to edge. */
export function isMirrorClose(one: Int32Array, other: Int32Array): boolean {
  return mirroredDistance(one, other) < UNRELATED_DISTANCE;
}

export type QuarterTurns = 0 | 1 | 2 | 3;

/** How an image is turned clockwise, then mirrored left to right. */
export interface Orientation {
  quarterTurns: QuarterTurns;
  isMirrored: boolean;
}

const SIDE = 16;
const turns = [1, 2, 3] as const;

/** The turned orientations of the other image in which the two probably lie edge to edge, the closest first. */
export function closeTurns(one: Int32Array, other: Int32Array): Orientation[] {
  const found: (Orientation & { distance: number })[] = [];
  let turned = other;
  for (const quarterTurns of turns) {
    turned = turnFingerprint(turned);
    found.push({ quarterTurns, isMirrored: false, distance: fingerprintDistance(one, turned) });
    found.push({ quarterTurns, isMirrored: true, distance: mirroredDistance(one, turned) });
  }
  return found
    .filter(({ distance: bits }) => bits < UNRELATED_DISTANCE)
    .sort((left, right) => left.distance - right.distance);
}

/** The approximate fingerprint of an image turned clockwise: frequencies are transposed, then mirrored. */
export function turnFingerprint(words: Int32Array): Int32Array {
  const turned = new Int32Array(WORDS);
  for (let row = 0; row < SIDE; row += 1) {
    for (let column = 0; column < SIDE; column += 1) {
      const from = column * SIDE + row;
      const to = row * SIDE + column;
      const bit = ((words[from >> 5] ?? 0) >>> (31 - (from & 31))) & 1;
      turned[to >> 5] = (turned[to >> 5] ?? 0) | (bit << (31 - (to & 31)));
    }
  }
  return turned.map((word) => word ^ MIRROR_MASK);
}

function distance(one: Int32Array, other: Int32Array, mask: number): number {
  let sum = 0;
  for (let index = 0; index < WORDS; index += 1) {
    sum += countBits((one[index] ?? 0) ^ (other[index] ?? 0) ^ mask);
  }
  return sum;
}

/** Number of set bits in 32, counted in pairs, then in fours, then in bytes. */
function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
