import type { Clock } from '../../clock';
import { toImageSearchError } from '../../errors';
import type { ProviderHealth } from '../contract';

/** How long it is believed what a server was found to be like. */
export const HEALTH_LIFETIME_MS = 60_000;

/** What is known of a server's health by all that it was asked lately, so that nobody asks for that alone. */
export class KnownHealth {
  readonly #clock: Clock;
  #last: { health: ProviderHealth; at: number } | null = null;
  #isDoubtful = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** As it was found to be less than a minute ago, good or bad; null when that is not known. */
  get(): ProviderHealth | null {
    const isFresh = this.#last !== null && this.#clock.now() - this.#last.at < HEALTH_LIFETIME_MS;
    return isFresh ? (this.#last?.health ?? null) : null;
  }

  /** The same, if it is good and nothing has happened since that speaks against it. */
  getGood(): ProviderHealth | null {
    const health = this.get();
    return health?.ok === true && !this.#isDoubtful ? health : null;
  }

  note(health: ProviderHealth): void {
    this.#last = { health, at: this.#clock.now() };
    this.#isDoubtful = false;
  }

  /** What a request has failed with; whatever the server said of an input, or nobody waited for, says little of it. */
  noteFailure(error: unknown): void {
    const { code, message } = toImageSearchError(error);
    if (code === 'provider-rejected-input' || code === 'aborted') this.#isDoubtful = true;
    else this.note({ ok: false, message });
  }
}
