import type { Clock } from '../../plugin/src/clock';
import type { SpaceStatus, StatusResponse } from '../../plugin/src/contracts/management';
import type { AssetSource, IndexEntries } from '../../plugin/src/indexing/contract';
import type { SpaceRecords, SpaceTrack } from '../../plugin/src/spaces/contract';
import type { Spaces } from '../../plugin/src/spaces/spaces';
import type { VectorStore } from '../../plugin/src/vectors/contract';
import type { Billing } from './billing';
import type { IndexingHolds } from './repositories/indexing-hold';

const SECONDS_PER_MINUTE = 60;
const MINUTE_MS = 60_000;
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
  /** Of a space: a second old, or older while counting takes its time; never counted twice at once. */
  coverage(spaceId: string): Promise<Coverage>;
  report(): Promise<StatusResponse['data']>;
}

export function createStatus(options: {
  spaces: Spaces;
  records: SpaceRecords;
  entriesOf: (spaceId: string) => IndexEntries;
  assets: AssetSource;
  store: VectorStore;
  holds: Pick<IndexingHolds, 'current'>;
  isEnabled: boolean;
  billing: Pick<Billing, 'bill'>;
  preparation: () => string | null;
  clock: Clock;
}): Status {
  const { assets, clock, entriesOf, records, spaces, store } = options;
  let known: { spaceId: string; at: number; coverage: Coverage } | null = null;
  let counting: { spaceId: string; coverage: Promise<Coverage> } | null = null;

  async function count(spaceId: string): Promise<Coverage> {
    const [indexed, total] = await Promise.all([entriesOf(spaceId).countIndexed(), assets.count()]);
    const coverage = { indexed, total };
    known = { spaceId, at: clock.now(), coverage };
    return coverage;
  }

  /** Joins the counting of that space that is under way, if any. */
  function countOnce(spaceId: string): Promise<Coverage> {
    if (counting?.spaceId === spaceId) return counting.coverage;
    const begun = {
      spaceId,
      coverage: count(spaceId).finally(() => {
        if (counting === begun) counting = null;
      }),
    };
    counting = begun;
    return begun.coverage;
  }

  function describeWorker(track: SpaceTrack): StatusResponse['data']['worker'] {
    const { state, pause } = track.workerStatus();
    return {
      state: options.isEnabled ? state : 'disabled',
      pause: pause && {
        code: pause.error.code,
        message: pause.error.message,
        remainingSeconds: Math.ceil(pause.remainingMs / 1_000),
      },
    };
  }

  async function describeProvider(
    track: SpaceTrack,
  ): Promise<Pick<StatusResponse['data'], 'provider' | 'space'>> {
    const state = track.activeSpace.state();
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
          provider: await provider.checkHealth({
            signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
            isLook: true,
          }),
        };
      }
    }
  }

  async function describeSpaces(): Promise<SpaceStatus[]> {
    const known = await records.list();
    const described = known.map(async (record): Promise<SpaceStatus> => {
      const { id, provider, model, dimensions } = record.space;
      const entries = entriesOf(id);
      const role = spaces.roleOf(record, known);
      const lastMinute = new Date(clock.now() - MINUTE_MS);
      const [counts, perMinute] = await Promise.all([
        entries.counts(),
        entries.countIndexedSince(lastMinute),
      ]);
      const remaining = counts.pending + counts.indexing;
      const canTell = perMinute > 0 && role !== 'kept';
      return {
        ...{ id, provider, model, dimensions, role, counts, perMinute },
        isConfigured: spaces.isConfigured(record, known),
        remainingSeconds: canTell ? Math.ceil((remaining / perMinute) * SECONDS_PER_MINUTE) : null,
        problem: role === 'kept' ? null : spaces.problemOf(record, role),
      };
    });
    const order = ['answering', 'filling', 'fallback', 'kept'];
    return (await Promise.all(described)).sort(
      (left, right) => order.indexOf(left.role) - order.indexOf(right.role),
    );
  }

  return {
    async coverage(spaceId) {
      const last = known?.spaceId === spaceId ? known : null;
      if (last && clock.now() - last.at < COVERAGE_AGE_MS) return last.coverage;
      const counted = countOnce(spaceId);
      if (!last) return counted;
      const { coverage } = last;
      const patience = new AbortController();
      const outOfPatience = clock.wait(COVERAGE_PATIENCE_MS, patience.signal);
      const fresh = counted.catch(() => coverage);
      const answer = await Promise.race([fresh, outOfPatience.then(() => coverage)]);
      patience.abort();
      return answer;
    },

    async report() {
      // Read before the counts, which otherwise lack what a comparison that ends meanwhile has marked.
      const isReconciling = spaces.running().some((track) => track.isReconciling());
      const answering = await spaces.answering();
      const [counts, total, provider, storeHealth, describedSpaces, unopened, bill, hold] =
        await Promise.all([
          answering.entries.counts(),
          assets.count(),
          describeProvider(answering),
          store.checkHealth(),
          describeSpaces(),
          spaces.unopened(),
          options.billing.bill(),
          options.holds.current(),
        ]);
      return {
        ...provider,
        spaces: describedSpaces,
        unopened,
        bill,
        total,
        counts,
        worker: describeWorker(answering),
        hold,
        isReconciling,
        preparation: options.preparation(),
        store: storeHealth,
      };
    },
  };
}
