import type { UsageMeter } from '../../plugin/src/billing/usage-meter';
import type { Clock } from '../../plugin/src/clock';
import type { Logger } from '../../plugin/src/logger';
import type { GuardedFetch } from '../../plugin/src/network/contract';
import type { VectorStore } from '../../plugin/src/vectors/contract';

/** What is under way may end by itself so long; then it is given back to the queue. */
const DRAIN_MS = 3_000;
/** For giving it back, while the provider closes. */
const RELEASE_MS = 1_000;
/** For closing store and connections. */
const CLOSE_MS = 500;

export interface ShutdownOptions {
  spaces: {
    /** Ends what is under way, indexing or whatever follows it. */
    stopIndexing(graceMs: number): Promise<unknown>;
    dispose(): Promise<void>;
  };
  meter: Pick<UsageMeter, 'stop'>;
  store: Pick<VectorStore, 'dispose'>;
  /** All that downloads. */
  remotes: readonly Pick<GuardedFetch, 'dispose'>[];
  logger: Logger;
  clock: Clock;
}

/**
 * Ends the product within five seconds, whatever hangs: a process manager kills a Strapi that takes its time. What is
 * not done by then is lost to nobody, because its leases run out. Never rejects.
 */
export async function shutDown(options: ShutdownOptions): Promise<void> {
  const { clock, logger, meter, remotes, spaces, store } = options;
  const drained = spaces.stopIndexing(DRAIN_MS);
  await isDoneWithin(drained, { milliseconds: DRAIN_MS, clock });
  const released = Promise.all([drained, spaces.dispose()]);
  const isReleased = await isDoneWithin(released, { milliseconds: RELEASE_MS, clock });
  const closed = Promise.all([
    meter.stop(),
    store.dispose(),
    ...remotes.map((remote) => remote.dispose()),
  ]);
  const isClosed = await isDoneWithin(closed, { milliseconds: CLOSE_MS, clock });
  if (isReleased && isClosed) return;
  logger.warn('Image search did not end in time; what was under way is indexed after the start.');
}

/** What is given up may still fail later, which is no news to anybody. */
export function mutedBy(signal: AbortSignal, logger: Logger): Logger {
  const unlessMuted = (level: keyof Logger) => (message: string) => {
    if (!signal.aborted) logger[level](message);
  };
  return {
    debug: unlessMuted('debug'),
    info: unlessMuted('info'),
    warn: unlessMuted('warn'),
    error: unlessMuted('error'),
  };
}

/** A failure of what is waited for counts as not done. */
async function isDoneWithin(
  work: Promise<unknown>,
  { milliseconds, clock }: { milliseconds: number; clock: Clock },
): Promise<boolean> {
  const ended = new AbortController();
  const timeIsUp = clock.wait(milliseconds, ended.signal).then(() => false);
  const isDone = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([isDone, timeIsUp]);
  } finally {
    ended.abort();
  }
}
