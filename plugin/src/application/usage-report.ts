import type { Budget } from '../billing/budget';
import type { BudgetSettings, UsageFigures, UsageRecord, UsageRecords } from '../billing/contract';
import { estimate, totalOf, monthBefore, monthOf, costOf, tokensOf } from '../billing/cost';
import type { UsageMeter } from '../billing/usage-meter';
import type { Clock } from '../clock';
import type {
  Usage,
  ProviderUsage,
  EstimateResponse,
  EstimateScope,
  SpaceEstimate,
} from '../contracts/billing';
import type { VectorSpace } from '../embedding/contract';
import type { AssetSource, IndexEntries } from '../indexing/contract';
import type { SpaceTrack } from '../spaces/contract';
import type { SpaceManager } from '../spaces/space-manager';

/** For a model that is not open yet. */
const OPEN_TIMEOUT_MS = 5_000;

export interface UsageReportOptions {
  spaces: SpaceManager;
  entriesOf: (spaceId: string) => IndexEntries;
  /** Counts images of the library that a space has not indexed, whether or not they are queued. */
  countMissing: (spaceId: string) => Promise<number>;
  /** How many views a file has on average at most in a space of this provider. */
  viewsPerFile: (provider: string) => Promise<number>;
  assets: Pick<AssetSource, 'count'>;
  records: UsageRecords;
  meter: UsageMeter;
  budget: Budget;
  settings: BudgetSettings;
  isLocal: (provider: string) => boolean;
  clock: Clock;
}

/** Images to embed, and how many of them are queued already. */
interface Work {
  images: number;
  waiting: number;
}

/** What the models did this month, and what reindexing would take. */
export class UsageReport {
  readonly #options: UsageReportOptions;

  constructor(options: UsageReportOptions) {
    this.#options = options;
  }

  /** This month's usage and cost. */
  async usage(): Promise<Usage> {
    const { budget, clock, meter, records, settings } = this.#options;
    await meter.write().catch(() => undefined);
    await budget.refresh();
    const month = monthOf(clock.now());
    const providers = (await records.list(month)).map((record) => this.#toProviderUsage(record));
    const pause = budget.pause();
    return {
      month,
      budget: toBudget(settings),
      providers: providers.sort((one, other) => other.images - one.images),
      pausedUntil: pause && new Date(pause.until).toISOString(),
    };
  }

  /** What reindexing would take, before it starts. */
  async estimate(scope: EstimateScope): Promise<EstimateResponse['data']> {
    const { budget, settings } = this.#options;
    const estimated = await this.#estimateSpaces(scope);
    return {
      scope,
      currency: settings.currency,
      affordableImages: await budget.affordableImages(),
      total: totalOf(estimated),
      spaces: estimated,
    };
  }

  #toProviderUsage(record: UsageRecord): ProviderUsage {
    const { isLocal, settings } = this.#options;
    const { images, model, provider, texts, unstatedRequests } = record;
    const isFree = isLocal(provider);
    return {
      provider,
      model,
      images,
      texts,
      tokens: isFree ? null : tokensOf(record),
      cost: isFree ? 0 : costOf(record, settings),
      isEstimated: unstatedRequests > 0,
    };
  }

  async #estimateSpaces(scope: EstimateScope): Promise<SpaceEstimate[]> {
    const { assets, spaces } = this.#options;
    if (scope === 'new') {
      const track = spaces.configured();
      const { provider } = await track.activeSpace.get(AbortSignal.timeout(OPEN_TIMEOUT_MS));
      const work = { images: await assets.count(), waiting: 0 };
      return [await this.#estimateTrack(track, { space: provider.space, role: 'new' }, work)];
    }
    const live = await spaces.live();
    return Promise.all(
      live.map(async ({ record: { space }, role, track }) =>
        this.#estimateTrack(track, { space, role }, await this.#workIn(space.id, scope)),
      ),
    );
  }

  async #estimateTrack(
    track: SpaceTrack,
    { role, space }: { space: VectorSpace; role: SpaceEstimate['role'] },
    work: Work,
  ): Promise<SpaceEstimate> {
    const isLocal = this.#options.isLocal(space.provider);
    const open = await track.activeSpace
      .get(AbortSignal.timeout(OPEN_TIMEOUT_MS))
      .catch(() => null);
    return {
      id: role === 'new' ? null : space.id,
      role,
      provider: space.provider,
      model: space.model,
      isLocal,
      ...estimate({
        ...work,
        viewsPerImage: await this.#options.viewsPerFile(space.provider),
        isLocal,
        limits: open?.provider.limits ?? null,
        usage: await this.#usageOf(space),
        prices: this.#options.settings,
      }),
    };
  }

  /** In an existing space. */
  async #workIn(spaceId: string, scope: Exclude<EstimateScope, 'new'>): Promise<Work> {
    const { assets, countMissing, entriesOf } = this.#options;
    const { failed, indexing, pending, skipped } = await entriesOf(spaceId).counts();
    const waiting = pending + indexing;
    switch (scope) {
      case 'missing':
        return { images: Math.max(waiting, await countMissing(spaceId)), waiting };
      case 'failed':
        return { images: failed + waiting, waiting };
      case 'skipped':
        return { images: skipped + waiting, waiting };
      case 'all':
        return { images: await assets.count(), waiting };
    }
  }

  /** What a model did this month, or else last month. */
  async #usageOf({ provider, model }: VectorSpace): Promise<UsageFigures | null> {
    const { clock, meter, records } = this.#options;
    await meter.write();
    const now = clock.now();
    for (const month of [monthOf(now), monthBefore(now)]) {
      const known = (await records.list(month)).find(
        (record) => record.provider === provider && record.model === model && record.images > 0,
      );
      if (known) return known;
    }
    return null;
  }
}

function toBudget(settings: BudgetSettings): Usage['budget'] {
  const { currency, imagesPerMonth = null, moneyPerMonth = null } = settings;
  const isLimited = imagesPerMonth !== null || moneyPerMonth !== null;
  return isLimited ? { imagesPerMonth, moneyPerMonth, currency } : null;
}
