import type { VectorQuery } from '../contract';
import { RecentQueries, toDistant } from '../query-samples';
import { CHECKED_HITS, type QuantizedIndex } from './quantized-index';

/** Below, comparing all codes takes a millisecond. */
export const LEADING_FROM = 20_000;
/** Codes compared are at least so many, and at most this share of all. */
const LEAST_WANTED = 1_024;
const LARGEST_SHARE = 1 / 8;
/** Of the most codes that a measured query needed. */
const WANTED_FACTOR = 4;
/** Of stored vectors, of stand-ins for texts, and of each kind of real queries. */
const SAMPLE = 20;
/** The principal directions are learned anew when this share of the points has changed since. */
const DRIFT = 1 / 2;
/** Of an index that grew by this factor, queries are measured again. */
const GROWTH = 1.5;
/** The first real queries are checked, then one of so many. */
const FIRST_CHECKED = 16;
const CHECKED_ONE_OF = 64;
const LEAST_RECALL = 0.999;
/** Checks that recall is the average of. */
const CHECKS_KEPT = 100;
/** Of so many searches, at most this share may need all codes after all. */
const THIN = { searches: 64, share: 1 / 4 };

/** What is kept with the index: how many codes searches compare, and how many there were when that was measured. */
export interface LeadingSettings {
  wanted: number;
  measuredAt: number;
}

/** What is searched. Hits are keys, as the index has them, best first. */
export interface RecallSubject {
  index: QuantizedIndex;
  searchExactly(query: VectorQuery): number[];
  /** By leading dimensions, or exactly where those don't do. */
  search(query: VectorQuery): number[];
}

/**
 * Decides how many codes a search by leading dimensions compares, from what exact searches find: for stored vectors and
 * stand-ins for texts at first, then for real queries, of which it checks some in the background. Where too many would be
 * needed, all are compared.
 */
export class RecallKeeper {
  readonly #queries = new RecentQueries(SAMPLE);
  #settings: LeadingSettings | null;
  #changes = 0;
  #realQueries = 0;
  #unchecked: Float32Array[] = [];
  #checks: { found: number; expected: number; rank: number }[] = [];
  #thin = { searches: 0, thin: 0 };
  /** Size at which too many codes were needed. */
  #failedAt: number | null = null;

  constructor(settings: LeadingSettings | null = null) {
    this.#settings = settings;
  }

  get settings(): LeadingSettings | null {
    return this.#settings;
  }

  /** How many codes to compare; null for all of them. */
  wantedOf(size: number): number | null {
    if (this.#settings === null) return null;
    const { wanted, measuredAt } = this.#settings;
    return Math.ceil(wanted * Math.max(1, size / measuredAt));
  }

  noteChanges(count: number): void {
    this.#changes += count;
  }

  noteQuery({ searchedWith, vector }: VectorQuery): void {
    if (searchedWith === undefined || !this.#queries.add(searchedWith, vector)) return;
    this.#realQueries += 1;
    const isChecked =
      this.#realQueries <= FIRST_CHECKED || this.#realQueries % CHECKED_ONE_OF === 0;
    if (isChecked && this.#unchecked.length < FIRST_CHECKED) this.#unchecked.push(vector.slice());
  }

  /** `isThin`: the search had to compare all codes after all. */
  noteSearch(isThin: boolean, size: number): void {
    this.#thin.searches += 1;
    if (isThin) this.#thin.thin += 1;
    if (this.#thin.searches < THIN.searches) return;
    if (this.#thin.thin > THIN.searches * THIN.share) this.#widen(0, size);
    this.#thin = { searches: 0, thin: 0 };
  }

  isDue(size: number): boolean {
    return this.#mustLearn(size) || this.#hasGrown(size) || this.#mustCheck();
  }

  /** What is due, step by step. The index may change meanwhile. */
  *keep(subject: RecallSubject): Generator<void, void> {
    if (this.#mustLearn(subject.index.size)) {
      this.#settings = null;
      this.#changes = 0;
      yield* subject.index.learnLeading();
      yield* this.#measure(subject);
    } else if (this.#hasGrown(subject.index.size)) {
      yield* this.#measure(subject);
    }
    while (this.#mustCheck()) {
      yield;
      const vector = this.#unchecked.shift();
      if (vector !== undefined) this.#check(subject, vector);
    }
  }

  #mustLearn(size: number): boolean {
    if (size < LEADING_FROM) return false;
    if (this.#settings !== null) return this.#changes > size * DRIFT;
    return this.#failedAt === null || size > 2 * this.#failedAt || this.#changes > size * DRIFT;
  }

  #hasGrown(size: number): boolean {
    return this.#settings !== null && size > this.#settings.measuredAt * GROWTH;
  }

  #mustCheck(): boolean {
    return this.#settings !== null && this.#unchecked.length > 0;
  }

  *#measure(subject: RecallSubject): Generator<void, void> {
    const stored = subject.index.sample(SAMPLE);
    const queries = [
      ...[...stored, ...toDistant(stored)],
      ...[...this.#queries.of('text'), ...this.#queries.of('image')],
    ];
    let largest = 0;
    for (const vector of queries) {
      yield;
      const exact = subject.searchExactly({ vector, limit: CHECKED_HITS });
      largest = Math.max(largest, subject.index.rankOf(vector, exact) ?? 0);
    }
    this.#checks = [];
    this.#use(Math.max(LEAST_WANTED, WANTED_FACTOR * largest), subject.index.size);
    if (this.#settings === null) subject.index.forgetLeading();
  }

  #check(subject: RecallSubject, vector: Float32Array): void {
    const query = { vector, limit: CHECKED_HITS };
    const exact = subject.searchExactly(query);
    const near = new Set(subject.search(query));
    const found = exact.filter((key) => near.has(key)).length;
    const rank = subject.index.rankOf(vector, exact) ?? 0;
    this.#checks = [...this.#checks, { found, expected: exact.length, rank }].slice(-CHECKS_KEPT);
    const sum = (key: 'found' | 'expected') =>
      this.#checks.reduce((total, check) => total + check[key], 0);
    if (sum('found') >= LEAST_RECALL * sum('expected')) return;
    this.#widen(Math.max(...this.#checks.map((check) => check.rank)), subject.index.size);
    if (this.#settings === null) subject.index.forgetLeading();
  }

  #widen(rank: number, size: number): void {
    const wanted = this.wantedOf(size);
    if (wanted === null) return;
    this.#checks = [];
    this.#use(Math.max(2 * wanted, WANTED_FACTOR * rank), size);
  }

  #use(wanted: number, size: number): void {
    const isWorthIt = wanted <= size * LARGEST_SHARE;
    this.#settings = isWorthIt ? { wanted, measuredAt: size } : null;
    this.#failedAt = isWorthIt ? null : size;
  }
}
