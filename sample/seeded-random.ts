import { createHash } from 'node:crypto';

/** Random numbers that are the same on every machine and in every run. */
export interface SeededRandom {
  /** Evenly distributed in [0, 1). */
  fraction(): number;
  /** Evenly distributed in [from, to). */
  between(from: number, to: number): number;
  /** An integer, both bounds included. */
  integer(from: number, to: number): number;
  /** True with this probability (0 to 1). */
  chance(probability: number): boolean;
  pick<const Choice>(choices: readonly [Choice, ...Choice[]]): Choice;
  /** Lowercase hexadecimal digits. */
  hexadecimal(length: number): string;
}

/** Each number is the start of SHA-256 over the seed and a counter: slow, but portable and simple. */
export function createSeededRandom(seed: string): SeededRandom {
  let counter = 0;
  const nextDigest = (): Buffer =>
    createHash('sha256')
      .update(`${seed}\n${String(counter++)}`)
      .digest();
  const fraction = (): number => nextDigest().readUInt32BE(0) / 2 ** 32;
  const integer = (from: number, to: number): number =>
    from + Math.floor(fraction() * (to - from + 1));
  return {
    fraction,
    integer,
    between: (from, to) => from + fraction() * (to - from),
    chance: (probability) => fraction() < probability,
    pick: (choices) => choices[integer(0, choices.length - 1)] ?? choices[0],
    hexadecimal: (length) => nextDigest().toString('hex').slice(0, length),
  };
}
