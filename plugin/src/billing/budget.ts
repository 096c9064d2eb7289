import type { Clock } from '../clock';
import { ImageSearchError } from '../errors';
import type { Logger } from '../logger';
import {
  type BudgetSettings,
  type BudgetPause,
  type BudgetShare,
  type IndexingBudget,
  type UsageRecord,
  type UsageRecords,
} from './contract';
import { monthOf, nextMonthAfter, costOf, costPerImage } from './cost';
import type { UsageMeter } from './usage-meter';

export interface BudgetOptions {
  settings: BudgetSettings;
  records: UsageRecords;
  meter: UsageMeter;
  isLocal: (provider: string) => boolean;
  logger: Logger;
  clock: Clock;
}

/** What is left for this month, by the usage that all processes have saved. */
interface Balance {
  /** Infinity without a limit. */
  images: number;
  /** The setting that is used up; null if none is. */
  usedUp: 'imagesPerMonth' | 'moneyPerMonth' | null;
}

/**
 * Limits hosted models per calendar month (UTC). Indexing asks for a share before it sends images, and every share is
 * based on what all processes have used so far, so the budget is exceeded by no more than what other processes are
 * sending at that moment. There is no state to reset when a month begins or the budget is raised.
 */
export class Budget implements IndexingBudget {
  readonly #options: BudgetOptions;
  /** Images in shares of this process that aren't released. */
  #shared = 0;
  #pause: BudgetPause | null = null;
  #hasWarned = false;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  pause(): BudgetPause | null {
    const { clock } = this.#options;
    return this.#pause !== null && this.#pause.until > clock.now() ? this.#pause : null;
  }

  async share(images: number): Promise<BudgetShare> {
    if (!this.#isLimited()) return { images, release: () => Promise.resolve() };
    const balance = await this.#readBalance();
    const granted = Math.max(0, Math.min(images, Math.floor(balance.images - this.#shared)));
    this.#shared += granted;
    return {
      images: granted,
      release: async () => {
        // Other processes decide by what was saved.
        await this.#options.meter.write().catch(() => undefined);
        this.#shared -= granted;
      },
    };
  }

  /** Images that the budget still covers this month; null without a limit in images. */
  async affordableImages(): Promise<number | null> {
    if (!this.#isLimited()) return null;
    const { images } = await this.#readBalance();
    return Number.isFinite(images) ? images : null;
  }

  /** Updates `pause`, for a process that doesn't index. */
  async refresh(): Promise<void> {
    if (this.#isLimited()) await this.#readBalance();
  }

  #isLimited(): boolean {
    const { imagesPerMonth, moneyPerMonth } = this.#options.settings;
    return imagesPerMonth !== undefined || moneyPerMonth !== undefined;
  }

  async #readBalance(): Promise<Balance> {
    const { clock, isLocal, meter, records } = this.#options;
    await meter.write();
    const now = clock.now();
    const paid = await records.list(monthOf(now));
    const balance = this.#balanceOf(paid.filter(({ provider }) => !isLocal(provider)));
    this.#updatePause(balance, now);
    return balance;
  }

  #balanceOf(records: readonly UsageRecord[]): Balance {
    const { imagesPerMonth, moneyPerMonth } = this.#options.settings;
    const used = records.reduce((sum, { images }) => sum + images, 0);
    const images = imagesPerMonth === undefined ? Infinity : Math.max(0, imagesPerMonth - used);
    const byMoney =
      moneyPerMonth === undefined ? Infinity : this.#imagesFor(moneyPerMonth, records);
    if (byMoney <= 0) return { images: 0, usedUp: 'moneyPerMonth' };
    return { images: Math.min(images, byMoney), usedUp: images <= 0 ? 'imagesPerMonth' : null };
  }

  /** Images that the remaining money pays for; Infinity while the cost of an image is unknown. */
  #imagesFor(money: number, records: readonly UsageRecord[]): number {
    const { settings } = this.#options;
    const spent = records.reduce((sum, record) => sum + this.#costOf(record), 0);
    const left = money - spent;
    if (left <= 0) return 0;
    const highest = Math.max(0, ...records.map((record) => costPerImage(record, settings) ?? 0));
    const perImage = highest || (settings.pricePerThousandImages ?? 0) / 1_000;
    return perImage > 0 ? Math.floor(left / perImage + ROUNDING) : Infinity;
  }

  #costOf(record: UsageRecord): number {
    const cost = costOf(record, this.#options.settings);
    if (cost === null && record.images > 0 && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.logger.warn(
        `budget.moneyPerMonth can't be enforced: the provider of "${record.model}" doesn't report tokens. Set budget.pricePerThousandImages or budget.imagesPerMonth.`,
      );
    }
    return cost ?? 0;
  }

  #updatePause({ usedUp }: Balance, now: number): void {
    const { logger } = this.#options;
    const before = this.#pause;
    if (usedUp === null) {
      this.#pause = null;
      if (before) logger.info('The budget covers images again; indexing resumes.');
      return;
    }
    const until = nextMonthAfter(now);
    this.#pause = { error: this.#usedUpError(usedUp, until), until };
    if (before?.until === until) return;
    logger.warn(this.#pause.error.message);
  }

  #usedUpError(setting: keyof BudgetSettings, until: number): ImageSearchError {
    const { currency, imagesPerMonth = 0, moneyPerMonth = 0 } = this.#options.settings;
    const limit =
      setting === 'imagesPerMonth'
        ? `${String(imagesPerMonth)} images`
        : `${String(moneyPerMonth)} ${currency}`;
    return new ImageSearchError({
      code: 'budget-reached',
      message: `Indexing pauses until ${new Date(until).toISOString()}: the budget of ${limit} for hosted models is used up. Raise budget.${setting} to resume earlier; searches still work.`,
      retryable: true,
    });
  }
}

/** Sums of prices aren't exact: a rounding error must not cost an image. */
const ROUNDING = 1e-9;
