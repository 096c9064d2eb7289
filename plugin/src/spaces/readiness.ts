import type { Clock } from '../clock';
import type { IndexEntries } from '../indexing/contract';
import type { SpaceRecord, SpaceTrack } from './contract';
import { findSpaceProblem } from './self-check';

/** A filled space that is not fit to answer is looked at again after this time, if nothing changes before. */
const RECHECK_MS = 10 * 60_000;

/** What spoke against a space, and the numbers that it was found with. */
interface Verdict {
  problem: string;
  failed: number;
  indexed: number;
  recheckAt: number;
}

export interface ReadinessOptions {
  entriesOf: (spaceId: string) => IndexEntries;
  clock: Clock;
  signal: AbortSignal;
  onProblem: (message: string) => void;
}

/** Whether a space that fills holds every picture and may take over. */
export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  problemOf(spaceId: string): string | null {
    return this.#verdicts.get(spaceId)?.problem ?? null;
  }

  /** What spoke against a space may be mended: it is looked at anew. */
  forgetProblems(): void {
    this.#verdicts.clear();
  }

  /** Id of the space of `filling` when it is ready to answer; null while it is not. */
  async findReady(filling: SpaceTrack, answering: SpaceRecord): Promise<string | null> {
    const { clock, entriesOf, onProblem, signal } = this.#options;
    const space = await filling.activeSpace.get(signal);
    const spaceId = space.provider.space.id;
    const { failed, indexed, indexing, pending } = await filling.entries.counts();
    if (indexing + pending > 0) return null;
    const known = this.#verdicts.get(spaceId);
    // What spoke against it may be mended when these numbers are others.
    const isSame = known?.failed === failed && known.indexed === indexed;
    if (known && isSame && clock.now() < known.recheckAt) return null;
    // Failed pictures may be worth another try, which every comparison gives them: they must not hold it up for ever.
    const { marked, retried } = await filling.reconcile();
    if (marked > retried) return null;
    const before = await entriesOf(answering.space.id).counts();
    const problem = await findSpaceProblem({
      space,
      entries: filling.entries,
      failed,
      failedBefore: before.failed,
      signal,
    });
    if (signal.aborted) return null;
    if (problem === null) {
      this.#verdicts.delete(spaceId);
      return spaceId;
    }
    onProblem(`The new space ${spaceId} is complete, but does not take over. ${problem}`);
    this.#verdicts.set(spaceId, {
      problem,
      failed,
      indexed,
      recheckAt: clock.now() + RECHECK_MS,
    });
    return null;
  }
}
