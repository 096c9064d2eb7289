import type { ActiveSpace } from '../../plugin/src/active-space';
import type { Clock } from '../../plugin/src/clock';
import type { StatusResponse } from '../../plugin/src/contracts/management';
import type { AssetSource, IndexEntries } from '../../plugin/src/indexing/contract';
import type { ReconcileSchedule } from '../../plugin/src/indexing/reconcile-schedule';
import type { IndexingWorker } from '../../plugin/src/indexing/worker';
import type { VectorStore } from '../../plugin/src/vectors/contract';

/** Counting a large library takes a while, and every search answers these numbers. */
const COVERAGE_AGE_MS = 1_000;
/** A search waits so long for new numbers; then it answers the last ones. */
const COVERAGE_PATIENCE_MS = 250;
/** A provider that is asked how it is has so long to answer. */
const HEALTH_TIMEOUT_MS = 5_000;

export interface Coverage {
  /** Pictures that can be found. */
  indexed: number;
  /** Pictures of the library. */
  total: number;
}

export interface Status {
  /** A second old, or older while counting takes its time; never counted twice at once. */
  coverage(): Promise<Coverage>;
  report(): Promise<StatusResponse['data']>;
}

export function createStatus(options: {
  activeSpace: ActiveSpace;
  assets: AssetSource;
  entries: IndexEntries;
  store: VectorStore;
  worker: IndexingWorker;
  schedule: ReconcileSchedule;
  isEnabled: boolean;
  preparation: () => string | null;
  clock: Clock;
}): Status {
  const { activeSpace, assets, clock, entries, schedule, store, worker } = options;
  let known: { at: number; coverage: Coverage } | null = null;
  let counting: Promise<Coverage> | null = null;

  async function count(): Promise<Coverage> {
    const state = activeSpace.state();
    const spaceId = state.kind === 'open' ? state.space.provider.space.id : null;
    const [indexed, total] = await Promise.all([
      spaceId === null ? 0 : entries.countIndexed(),
      assets.count(),
    ]);
    known = { at: clock.now(), coverage: { indexed, total } };
    return known.coverage;
  }

  function describeWorker(): StatusResponse['data']['worker'] {
    const { state, pause } = worker.status();
    return {
      state: options.isEnabled ? state : 'disabled',
      pause: pause && {
        code: pause.error.code,
        message: pause.error.message,
        remainingSeconds: Math.ceil(pause.remainingMs / 1_000),
      },
    };
  }

  async function describeProvider(): Promise<Pick<StatusResponse['data'], 'provider' | 'space'>> {
    const state = activeSpace.state();
    switch (state.kind) {
      case 'closed':
        return { space: null, provider: { ok: true, message: 'It is opened on first use.' } };
      case 'failed':
        return { space: null, provider: { ok: false, message: state.error.message } };
      case 'open': {
        const { provider } = state.space;
        const { id, provider: name, model, dimensions } = provider.space;
        return {
          space: { id, provider: name, model, dimensions },
          provider: await provider.checkHealth({ signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }),
        };
      }
    }
  }

  return {
    async coverage() {
      if (known && clock.now() - known.at < COVERAGE_AGE_MS) return known.coverage;
      counting ??= count().finally(() => {
        counting = null;
      });
      if (!known) return counting;
      const { coverage } = known;
      const patience = new AbortController();
      const outOfPatience = clock.wait(COVERAGE_PATIENCE_MS, patience.signal);
      const fresh = counting.catch(() => coverage);
      const answer = await Promise.race([fresh, outOfPatience.then(() => coverage)]);
      patience.abort();
      return answer;
    },

    async report() {
      // Read before the counts, which otherwise lack what a comparison that ends meanwhile has marked.
      const isReconciling = schedule.isRunning();
      const [counts, total, provider, storeHealth] = await Promise.all([
        entries.counts(),
        assets.count(),
        describeProvider(),
        store.checkHealth(),
      ]);
      return {
        ...provider,
        total,
        counts,
        worker: describeWorker(),
        isReconciling,
        preparation: options.preparation(),
        store: storeHealth,
      };
    },
  };
}
