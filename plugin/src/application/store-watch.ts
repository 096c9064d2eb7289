import type { Clock } from '../clock';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { SpaceTrack } from '../spaces/contract';

const EVERY_MS = 300_000;
/** Between two looks: a file that is being deleted loses its vector before its entry. */
const CONFIRM_MS = 2_000;

interface Loss {
  /** Vectors that a space should have. */
  indexed: number;
  /** Vectors that it has. */
  stored: number;
}

/** Null if none is missing, or the space isn't open. */
async function lossIn({
  activeSpace,
  entries,
}: Pick<SpaceTrack, 'activeSpace' | 'entries'>): Promise<Loss | null> {
  const state = activeSpace.state();
  if (state.kind !== 'open') return null;
  const [indexed, stored] = [await entries.countIndexed(), await state.space.collection.count()];
  return stored < indexed ? { indexed, stored } : null;
}

/**
 * Notices when a store has fewer vectors than the queue believes, as after a restore, and has the images without one
 * indexed again. Compares two counts: every few minutes, after an outage of the store, and whenever someone asks.
 */
export class StoreWatch {
  readonly #options: { tracks: () => SpaceTrack[]; logger: Logger; clock: Clock };
  readonly #stopping = new AbortController();
  #loop: Promise<void> | null = null;
  #check: Promise<void> | null = null;

  constructor(options: { tracks: () => SpaceTrack[]; logger: Logger; clock: Clock }) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#repeat();
  }

  /** Joins the check in progress. Never rejects. */
  check(): Promise<void> {
    this.#check ??= this.#checkAll().finally(() => {
      this.#check = null;
    });
    return this.#check;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#loop, this.#check]);
  }

  async #repeat(): Promise<void> {
    while (!this.#isStopping()) {
      await this.#options.clock.wait(EVERY_MS, this.#stopping.signal);
      if (!this.#isStopping()) await this.check();
    }
  }

  async #checkAll(): Promise<void> {
    for (const track of this.#options.tracks()) {
      try {
        await this.#checkOne(track);
      } catch (error) {
        // The store is down: it is checked again once it's back.
        this.#options.logger.debug(
          `The vectors couldn't be counted: ${toImageSearchError(error).message}`,
        );
      }
    }
  }

  async #checkOne(track: SpaceTrack): Promise<void> {
    const { clock, logger } = this.#options;
    const before = this.#isStopping() ? null : await lossIn(track);
    if (before === null) return;
    await clock.wait(CONFIRM_MS, this.#stopping.signal);
    if (this.#isStopping()) return;
    const loss = await lossIn(track);
    // A comparison finds the images itself. While files are being deleted, the store shrinks.
    if (loss === null || track.isReconciling() || loss.stored < before.stored) return;
    const { indexed, stored } = loss;
    logger.warn(
      `The vector store has ${String(stored)} of ${String(indexed)} vectors of the space "${track.spaceId() ?? ''}". Images without one are indexed again.`,
    );
    await track.reconcileAgain();
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }
}
