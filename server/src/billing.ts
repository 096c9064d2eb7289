import type { Budget } from '../../plugin/src/billing/budget';
import type { BudgetSettings } from '../../plugin/src/billing/config';
import type { UsageFigures, UsageRecord, UsageRecords } from '../../plugin/src/billing/contract';
import { estimate, totalOf } from '../../plugin/src/billing/estimate';
import { monthBefore, monthOf } from '../../plugin/src/billing/month';
import { costOf, tokensOf } from '../../plugin/src/billing/price';
import type { UsageMeter } from '../../plugin/src/billing/usage-meter';
import type { Clock } from '../../plugin/src/clock';
import type {
  Bill,
  BilledProvider,
  EstimateResponse,
  EstimateScope,
  SpaceEstimate,
} from '../../plugin/src/contracts/billing';
import type { VectorSpace } from '../../plugin/src/embedding/contract';
import type { AssetSource, IndexEntries } from '../../plugin/src/indexing/contract';
import type { SpaceTrack } from '../../plugin/src/spaces/contract';
import type { Spaces } from '../../plugin/src/spaces/spaces';

/** A model that is not open yet has so long to open. */
const OPEN_TIMEOUT_MS = 5_000;

export interface Billing {
  bill(): Promise<Bill>;
  /** What a rebuild would take, before it is begun. */
  estimate(scope: EstimateScope): Promise<EstimateResponse['data']>;
}

export interface BillingOptions {
  spaces: Spaces;
  entriesOf: (spaceId: string) => IndexEntries;
  /** Pictures of the library that are not in the index of a space, whether they wait or nobody knows of them yet. */
  countMissing: (spaceId: string) => Promise<number>;
  assets: AssetSource;
  records: UsageRecords;
  meter: UsageMeter;
  budget: Budget;
  settings: BudgetSettings;
  isLocal: (provider: string) => boolean;
  clock: Clock;
}

export function createBilling(options: BillingOptions): Billing {
  const { assets, budget, clock, entriesOf, isLocal, meter, records, settings, spaces } = options;

  /** What a model did this month, or in the one before. */
  async function usageOf({ provider, model }: VectorSpace): Promise<UsageFigures | null> {
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

  /** Pictures that would be embedded in a space that is there. */
  async function countImages(
    spaceId: string,
    scope: Exclude<EstimateScope, 'new'>,
  ): Promise<{ images: number; waiting: number }> {
    const { failed, indexing, pending, skipped } = await entriesOf(spaceId).counts();
    const waiting = pending + indexing;
    switch (scope) {
      case 'missing':
        return { images: Math.max(waiting, await options.countMissing(spaceId)), waiting };
      case 'failed':
        return { images: failed + waiting, waiting };
      case 'skipped':
        return { images: skipped + waiting, waiting };
      case 'all':
        return { images: await assets.count(), waiting };
    }
  }

  async function estimateTrack(
    track: SpaceTrack,
    target: { space: VectorSpace; role: SpaceEstimate['role'] },
    work: { images: number; waiting: number },
  ): Promise<SpaceEstimate> {
    const { role, space } = target;
    const open = await track.activeSpace
      .get(AbortSignal.timeout(OPEN_TIMEOUT_MS))
      .catch(() => null);
    return {
      ...{ id: role === 'new' ? null : space.id, role },
      ...{ provider: space.provider, model: space.model, isLocal: isLocal(space.provider) },
      ...estimate({
        ...work,
        isLocal: isLocal(space.provider),
        limits: open?.provider.limits ?? null,
        usage: await usageOf(space),
        prices: settings,
      }),
    };
  }

  async function estimateSpaces(scope: EstimateScope): Promise<SpaceEstimate[]> {
    if (scope === 'new') {
      const track = spaces.configured();
      const space = await track.activeSpace.get(AbortSignal.timeout(OPEN_TIMEOUT_MS));
      const images = await assets.count();
      const target = { space: space.provider.space, role: 'new' as const };
      return [await estimateTrack(track, target, { images, waiting: 0 })];
    }
    const live = await spaces.live();
    return Promise.all(
      live.map(async ({ record, role, track }) =>
        estimateTrack(
          track,
          { space: record.space, role },
          await countImages(record.space.id, scope),
        ),
      ),
    );
  }

  function toBilledProvider(record: UsageRecord): BilledProvider {
    const { images, model, provider, texts, unstatedRequests } = record;
    const isFree = isLocal(provider);
    return {
      ...{ provider, model, images, texts },
      tokens: isFree ? null : tokensOf(record),
      cost: isFree ? 0 : costOf(record, settings),
      isEstimated: unstatedRequests > 0,
    };
  }

  return {
    async bill() {
      await meter.write().catch(() => undefined);
      await budget.look();
      const now = clock.now();
      const month = monthOf(now);
      const billed = (await records.list(month)).map(toBilledProvider);
      const pause = budget.pause();
      return {
        month,
        budget: toBudget(settings),
        providers: billed.sort((one, other) => other.images - one.images),
        pausedUntil: pause && new Date(pause.until).toISOString(),
      };
    },

    async estimate(scope) {
      const estimated = await estimateSpaces(scope);
      return {
        scope,
        currency: settings.currency,
        affordableImages: await budget.affordableImages(),
        total: totalOf(estimated),
        spaces: estimated,
      };
    },
  };
}

function toBudget(settings: BudgetSettings): Bill['budget'] {
  const { currency, imagesPerMonth = null, moneyPerMonth = null } = settings;
  const isLimited = imagesPerMonth !== null || moneyPerMonth !== null;
  return isLimited ? { imagesPerMonth, moneyPerMonth, currency } : null;
}
