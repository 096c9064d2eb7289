/** Writes are over when none came for so long. */
export const QUIET_MS = 1_000;
/** While writes go on, work is done this often. */
const LONGEST_WAIT_MS = 30_000;

/**
 * Runs work of the thread step by step between requests: half of the time at most, so that requests wait for one step
 * only, and after writes.
 */
export class BackgroundWork {
  readonly #find: () => Iterator<void> | null;
  #work: Iterator<void> | null = null;
  #isWaiting = false;
  #writtenAt = -Infinity;
  #workedAt = -Infinity;

  /** @param find what is due; null when nothing is. It and the work may throw, and are asked again after a request. */
  constructor(find: () => Iterator<void> | null) {
    this.#find = find;
  }

  /** Something may be due. */
  wake(): void {
    if (!this.#isWaiting) this.#continueIn(0);
  }

  noteWrite(): void {
    this.#writtenAt = performance.now();
    this.wake();
  }

  /** What it works on is gone. */
  reset(): void {
    this.#work = null;
  }

  #step(): void {
    this.#isWaiting = false;
    const startedAt = performance.now();
    const rest = this.#writtenAt + QUIET_MS - startedAt;
    if (rest > 0 && startedAt < this.#workedAt + LONGEST_WAIT_MS) {
      this.#continueIn(rest);
      return;
    }
    try {
      this.#work ??= this.#find();
      if (this.#work === null) return;
      if (this.#work.next().done === true) this.#work = null;
    } catch {
      // A request finds out itself, and says so.
      this.#work = null;
      return;
    }
    if (this.#work === null) this.#workedAt = performance.now();
    this.#continueIn(performance.now() - startedAt);
  }

  #continueIn(milliseconds: number): void {
    this.#isWaiting = true;
    setTimeout(() => {
      this.#step();
    }, milliseconds);
  }
}
