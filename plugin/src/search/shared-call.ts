import { abortedError } from '../errors';

/** One call that several searches wait for: nobody's hang-up ends it as long as another waits. */
export class SharedCall<T> {
  readonly #controller = new AbortController();
  #waiting = 0;
  #isSettled = false;
  /** Settles as the call does. */
  readonly result: Promise<T>;

  /** @param begin is handed a signal that is aborted when nobody waits any more */
  constructor(begin: (signal: AbortSignal) => Promise<T>) {
    this.result = begin(this.#controller.signal).finally(() => {
      this.#isSettled = true;
    });
    // Those who wait are told; when nobody does, a failure is nobody's.
    this.result.catch(() => undefined);
  }

  /** Whether nobody waited for it any more: it fails with `aborted`, and must not be joined. */
  get isGivenUp(): boolean {
    return this.#controller.signal.aborted;
  }

  join(): void {
    this.#waiting += 1;
  }

  /** Once for each `join`. */
  leave(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0 && !this.#isSettled) this.#controller.abort(abortedError());
  }
}
