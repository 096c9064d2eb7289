import type { Clock } from '../clock';
import type { SpaceStatus, StatusResponse, TestResponse } from '../contracts/management';
import type { MonitoringResponse } from '../contracts/monitoring';
import type { ProviderHealth } from '../embedding/contract';
import { toImageSearchError, type ImageSearchError } from '../errors';
import type { AssetSource, IndexEntries, IndexingHolds } from '../indexing/contract';
import type { HostPauses } from '../network/host-breakers';
import type { SpaceRecords, SpaceTrack } from '../spaces/contract';
import type { SpaceManager } from '../spaces/space-manager';
import type { VectorCollection, VectorStore } from '../vectors/contract';
import type { StoreWatch } from './store-watch';
import type { UsageReport } from './usage-report';

const SECONDS_PER_MINUTE = 60;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
/** When others index too: work that started this long ago has run long enough to measure its speed. */
const STEADY_MS = 50_000;
/** This many times more indexed in a minute than by this process means that others index, too. */
const SHARED_FROM = 1.5;
/** Counting a large library takes a while, and every search reports these numbers. */
const COVERAGE_AGE_MS = 1_000;
/** A search waits this long for fresh numbers; then it reports the last ones. */
const COVERAGE_PATIENCE_MS = 250;
/** For a provider's health check. */
const HEALTH_TIMEOUT_MS = 5_000;
/** For a test of the provider: loading a model on this machine takes longest. */
const TEST_TIMEOUT_MS = 30_000;

type TestedPart = TestResponse['data']['provider'];

export interface Coverage {
  /** Images that searches can find. */
  indexed: number;
  /** Images in the library. */
  total: number;
}

/** How indexing and searching are doing. */
export interface Status {
  /** Of a space: at most a second old, or older while counting takes its time. Never counts twice at once. */
  coverage(spaceId: string): Promise<Coverage>;
  report(): Promise<StatusResponse['data']>;
  /** The report in numbers, without names; calls at the same time share one. */
  monitor(): Promise<MonitoringResponse['data']>;
  /** Has the provider embed a text and the store list its collections; nothing cached counts. */
  test(): Promise<TestResponse['data']>;
}

export function createStatus(options: {
  spaces: SpaceManager;
  records: SpaceRecords;
  entriesOf: (spaceId: string) => IndexEntries;
  assets: AssetSource;
  store: VectorStore;
  storeWatch: Pick<StoreWatch, 'check'>;
  holds: Pick<IndexingHolds, 'current'>;
  /** Whether this process indexes. */
  isEnabled: boolean;
  remote: Pick<HostPauses, 'pausedHosts'>;
  usageReport: Pick<UsageReport, 'usage'>;
  /** What a model that is being loaded is doing; null when none is. */
  preparation: () => string | null;
  clock: Clock;
}): Status {
  const { assets, clock, entriesOf, spaces, store } = options;
  const coverage = new CoverageCounter({
    assets,
    clock,
    entriesOf,
    collectionOf: (spaceId) => collectionOf(spaces, spaceId),
    onLoss: () => void options.storeWatch.check(),
  });
  let monitoring: Promise<MonitoringResponse['data']> | null = null;

  const status: Status = {
    coverage: (spaceId) => coverage.of(spaceId),

    monitor() {
      monitoring ??= status
        .report()
        .then(toMonitoring)
        .finally(() => {
          monitoring = null;
        });
      return monitoring;
    },

    async report() {
      // Read before the counts, which otherwise miss what a reconcile that ends meanwhile has queued.
      const isReconciling = spaces.running().some((track) => track.isReconciling());
      const active = await spaces.active();
      const hold = await options.holds.current();
      const [
        counts,
        { indexed: searchable, total },
        provider,
        storeHealth,
        describedSpaces,
        failedModel,
        usage,
      ] = await Promise.all([
        active.entries.counts(),
        coverage.count(active.spaceId() ?? ''),
        describeProvider(active),
        store.checkHealth(),
        describeSpaces(options, hold !== null),
        spaces.failedModel(),
        options.usageReport.usage(),
      ]);
      return {
        ...provider,
        spaces: describedSpaces,
        failedModel,
        usage,
        searchable,
        total,
        counts,
        worker: describeWorker(active, options.isEnabled),
        pausedHosts: options.remote.pausedHosts(),
        hold,
        isReconciling,
        preparation: options.preparation(),
        store: { ok: storeHealth.ok, message: storeHealth.message },
      };
    },

    async test() {
      const timed = async (
        check: () => Promise<Omit<TestedPart, 'milliseconds'>>,
      ): Promise<TestedPart> => {
        const startedAt = clock.elapsed();
        const health = await check();
        return { ...health, milliseconds: clock.elapsed() - startedAt };
      };
      const [provider, storeHealth] = await Promise.all([
        timed(() => testProvider(spaces)),
        timed(async () => {
          const { ok, message } = await store.checkHealth();
          return { ok, message };
        }),
      ]);
      return { provider, store: storeHealth };
    },
  };
  return status;
}

function toMonitoring(report: StatusResponse['data']): MonitoringResponse['data'] {
  const { counts, hold, isReconciling, provider, searchable, spaces, store } = report;
  const { total, usage, worker } = report;
  const isStorageOk = report.pausedHosts.length === 0;
  const { pending, indexing, failed, skipped } = counts;
  const active = spaces.find(({ role }) => role === 'active');
  const paid = usage.providers.filter(({ cost }) => cost !== 0);
  return {
    ok: provider.ok && store.ok && isStorageOk && !isPausedByFailure(worker.pause),
    coverage: {
      indexed: searchable,
      total,
      ratio: total === 0 ? 1 : Math.min(1, searchable / total),
    },
    queue: {
      pending,
      indexing,
      perMinute: active?.perMinute ?? 0,
      remainingSeconds: active?.remainingSeconds ?? null,
    },
    failures: { failed, skipped },
    health: {
      provider: provider.ok,
      store: store.ok,
      storage: isStorageOk,
      worker: worker.state,
      pause: worker.pause && {
        code: worker.pause.code,
        remainingSeconds: worker.pause.remainingSeconds,
      },
      isHeld: hold !== null,
      isReconciling,
    },
    budget: {
      month: usage.month,
      images: sumOf(paid.map(({ images }) => images)) ?? 0,
      imagesPerMonth: usage.budget?.imagesPerMonth ?? null,
      cost: sumOf(paid.map(({ cost }) => cost)),
      moneyPerMonth: usage.budget?.moneyPerMonth ?? null,
      currency: usage.budget?.currency ?? null,
      pausedUntil: usage.pausedUntil,
    },
  };
}

/** A reached budget is a limit that someone set. */
function isPausedByFailure(pause: StatusResponse['data']['worker']['pause']): boolean {
  return pause !== null && pause.code !== 'budget-reached';
}

/** Null if one of them is unknown. */
function sumOf(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

interface CoverageCounterOptions {
  assets: Pick<AssetSource, 'count'>;
  entriesOf: (spaceId: string) => Pick<IndexEntries, 'countSearchable'>;
  /** Null while it isn't open. */
  collectionOf: (spaceId: string) => Pick<VectorCollection, 'count'> | null;
  /** Called when the store has fewer vectors than the queue believes. */
  onLoss: () => void;
  clock: Clock;
}

class CoverageCounter {
  readonly #options: CoverageCounterOptions;
  #known: { spaceId: string; at: number; coverage: Coverage } | null = null;
  #counting: { spaceId: string; coverage: Promise<Coverage> } | null = null;

  constructor(options: CoverageCounterOptions) {
    this.#options = options;
  }

  async of(spaceId: string): Promise<Coverage> {
    const { clock } = this.#options;
    const last = this.#known?.spaceId === spaceId ? this.#known : null;
    if (last && clock.elapsed() - last.at < COVERAGE_AGE_MS) return last.coverage;
    const counted = this.count(spaceId);
    if (!last) return counted;
    const { coverage } = last;
    const patience = new AbortController();
    const outOfPatience = clock.wait(COVERAGE_PATIENCE_MS, patience.signal);
    const fresh = counted.catch(() => coverage);
    const answer = await Promise.race([fresh, outOfPatience.then(() => coverage)]);
    patience.abort();
    return answer;
  }

  /** Counts now, or joins a count of that space that is in progress. */
  count(spaceId: string): Promise<Coverage> {
    if (this.#counting?.spaceId === spaceId) return this.#counting.coverage;
    const started = {
      spaceId,
      coverage: this.#count(spaceId).finally(() => {
        if (this.#counting === started) this.#counting = null;
      }),
    };
    this.#counting = started;
    return started.coverage;
  }

  async #count(spaceId: string): Promise<Coverage> {
    const { assets, clock, collectionOf, entriesOf, onLoss } = this.#options;
    const [searchable, stored, total] = await Promise.all([
      entriesOf(spaceId).countSearchable(),
      collectionOf(spaceId)
        ?.count()
        .catch(() => null),
      assets.count(),
    ]);
    const isLost = typeof stored === 'number' && stored < searchable;
    if (isLost) onLoss();
    const coverage = { indexed: isLost ? stored : searchable, total };
    this.#known = { spaceId, at: clock.elapsed(), coverage };
    return coverage;
  }
}

function collectionOf(spaces: SpaceManager, spaceId: string): VectorCollection | null {
  for (const track of spaces.running()) {
    const state = track.spaceId() === spaceId ? track.activeSpace.state() : null;
    if (state?.kind === 'open') return state.space.collection;
  }
  return null;
}

function describeWorker(track: SpaceTrack, isEnabled: boolean): StatusResponse['data']['worker'] {
  const { state, pause } = track.workerStatus();
  return {
    state: isEnabled ? state : 'disabled',
    pause: pause && {
      code: pause.error.code,
      message: pause.error.message,
      remainingSeconds: Math.ceil(pause.remainingMs / SECOND_MS),
    },
  };
}

async function describeProvider(
  track: SpaceTrack,
): Promise<Pick<StatusResponse['data'], 'provider' | 'space'>> {
  const state = track.activeSpace.state();
  switch (state.kind) {
    case 'closed':
      return { space: null, provider: { ok: true, message: 'Opens on first use.' } };
    case 'failed':
      return { space: null, provider: describeFailedOpening(state.error) };
    case 'open': {
      const { provider } = state.space;
      const { id, provider: name, model, dimensions } = provider.space;
      return {
        space: { id, provider: name, model, dimensions },
        provider: await provider.checkHealth({
          signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
          canBeCached: true,
        }),
      };
    }
  }
}

/** The provider opens first: when the store fails after that, the provider works. */
function describeFailedOpening({ message, traits }: ImageSearchError): ProviderHealth {
  if (traits.part !== 'store') return { ok: false, message };
  return { ok: true, message: 'The model opens once the vector store is available.' };
}

async function describeSpaces(
  options: {
    spaces: SpaceManager;
    records: Pick<SpaceRecords, 'list'>;
    entriesOf: (spaceId: string) => IndexEntries;
    clock: Clock;
  },
  isHeld: boolean,
): Promise<SpaceStatus[]> {
  const { clock, entriesOf, records, spaces } = options;
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
    const perSecond =
      role === 'standby' || isHeld
        ? null
        : await speedOf({ spaces, clock, entries, perMinute, spaceId: id });
    const remaining = counts.pending + counts.indexing;
    return {
      id,
      provider,
      model,
      dimensions,
      role,
      counts,
      perMinute,
      isConfigured: spaces.isConfigured(record, known),
      remainingSeconds: perSecond === null ? null : Math.ceil(remaining / perSecond),
      problem: role === 'standby' ? null : spaces.problemOf(record, role),
    };
  });
  const order = ['active', 'building', 'fallback', 'standby'];
  return (await Promise.all(described)).sort(
    (left, right) => order.indexOf(left.role) - order.indexOf(right.role),
  );
}

/**
 * Entries per second that all processes together take from the queue of a space; null while nothing moves or too little
 * is known.
 */
async function speedOf(options: {
  spaces: SpaceManager;
  entries: Pick<IndexEntries, 'countIndexedSince'>;
  clock: Clock;
  spaceId: string;
  /** Images that all processes indexed in the last minute. */
  perMinute: number;
}): Promise<number | null> {
  const { clock, entries, perMinute, spaceId, spaces } = options;
  const track = spaces.running().find((running) => running.spaceId() === spaceId);
  if (!track) {
    const recent = await entries.countIndexedSince(new Date(clock.now() - STEADY_MS));
    return perMinute > recent ? perMinute / SECONDS_PER_MINUTE : null;
  }
  const { indexedInLastMinute, perSecond, state } = track.workerStatus();
  if (perSecond === null || state === 'paused' || state === 'stopped') return null;
  const isShared = perMinute > indexedInLastMinute * SHARED_FROM && indexedInLastMinute > 0;
  const total = isShared ? (perSecond * perMinute) / indexedInLastMinute : perSecond;
  return Math.min(total, quotaOf(track));
}

/** Images per second that the provider allows; what it was sent before may have gone faster. */
function quotaOf(track: SpaceTrack): number {
  const state = track.activeSpace.state();
  if (state.kind !== 'open') return Infinity;
  const { imagesPerCall, imagesPerMinute, requestsPerMinute } = state.space.provider.limits;
  return Math.min(imagesPerMinute, requestsPerMinute * imagesPerCall) / SECONDS_PER_MINUTE;
}

async function testProvider(spaces: SpaceManager): Promise<Omit<TestedPart, 'milliseconds'>> {
  const signal = AbortSignal.timeout(TEST_TIMEOUT_MS);
  try {
    // Reopens a model that failed to open.
    spaces.retryNow();
    const { provider } = await spaces.get(signal);
    await provider.embedTexts(['a photograph'], { signal });
    return await provider.checkHealth({ signal });
  } catch (error) {
    return describeFailedOpening(toImageSearchError(error));
  }
}
