import type { ActiveSpace } from '../../plugin/src/active-space';
import type { Clock } from '../../plugin/src/clock';
import type { StatusResponse } from '../../plugin/src/contracts/management';
import type { AssetSource, IndexEntries } from '../../plugin/src/indexing/contract';
import type { ReconcileSchedule } from '../../plugin/src/indexing/reconcile-schedule';
import type { IndexingWorker } from '../../plugin/src/indexing/worker';
import type { VectorStore } from '../../plugin/src/vectors/contract';

/** Counting a large library takes a while; every search answers these numbers. */
const COVERAGE_AGE_MS = 1_000;

export interface Coverage {
  /** Pictures that can be found. */
  indexed: number;
  /** Pictures of the library. */
  total: number;
}

export interface Status {
  /** At most a second old. */
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
  let known: { at: number; coverage: Promise<Coverage> } | null = null;

  async function count(): Promise<Coverage> {
    const [{ indexed }, total] = await Promise.all([entries.counts(), assets.count()]);
    return { indexed, total };
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
          provider: await provider.checkHealth(),
        };
      }
    }
  }

  return {
    async coverage() {
      if (!known || clock.now() - known.at >= COVERAGE_AGE_MS) {
        known = { at: clock.now(), coverage: count() };
        known.coverage.catch(() => {
          known = null;
        });
      }
      return known.coverage;
    },

    async report() {
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
        isReconciling: schedule.isRunning(),
        preparation: options.preparation(),
        store: storeHealth,
      };
    },
  };
}
