import type { Clock } from '../clock';
import { ImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { BudgetSettings } from './config';
import {
  unlimitedShare,
  type BudgetPause,
  type BudgetShare,
  type IndexingBudget,
  type UsageRecord,
  type UsageRecords,
} from './contract';
import { monthOf, nextMonthAfter } from './month';
import { costOf, costPerImage } from './price';
import type { UsageMeter } from './usage-meter';

export interface BudgetOptions {
  settings: BudgetSettings;
  records: UsageRecords;
  meter: UsageMeter;
  isLocal: (provider: string) => boolean;
  logger: Logger;
  clock: Clock;
}

/** What is left of the month, by what all processes have written down. */
interface Balance {
  /** Infinity without a limit. */
  images: number;
  /** The setting that is used up; null while none is. */
  usedUp: 'imagesPerMonth' | 'moneyPerMonth' | null;
}

/**
 * What hosted models may do in a calendar month (UTC). It is asked before pictures are sent and looks at what all
 * processes have used up to then, so it is exceeded by no more than what other processes have under way at that
 * moment. Nothing is remembered: when the month turns, or a higher budget is set, there is something left again.
 */
export class Budget implements IndexingBudget {
  readonly #options: BudgetOptions;
  /** Shares of this process that are not released. */
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
    if (!this.#isLimited()) return unlimitedShare(images);
    const balance = await this.#look();
    const granted = Math.max(0, Math.min(images, Math.floor(balance.images - this.#shared)));
    this.#shared += granted;
    return {
      images: granted,
      release: async () => {
        // What others may send is up to what was used.
        await this.#options.meter.write().catch(() => undefined);
        this.#shared -= granted;
      },
    };
  }

  /** Pictures that are still paid for this month; null without a limit that is known in pictures. */
  async affordableImages(): Promise<number | null> {
    if (!this.#isLimited()) return null;
    const { images } = await this.#look();
    return Number.isFinite(images) ? images : null;
  }

  /** Looks whether the budget is used up, as a process that does not index has to. */
  async look(): Promise<void> {
    if (this.#isLimited()) await this.#look();
  }

  #isLimited(): boolean {
    const { imagesPerMonth, moneyPerMonth } = this.#options.settings;
    return imagesPerMonth !== undefined || moneyPerMonth !== undefined;
  }

  async #look(): Promise<Balance> {
    const { clock, isLocal, meter, records } = this.#options;
    await meter.write();
    const now = clock.now();
    const paid = await records.list(monthOf(now));
    const balance = this.#balanceOf(paid.filter(({ provider }) => !isLocal(provider)));
    this.#note(balance, now);
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

  /** Pictures that are paid for by what is left of so much money; Infinity while a picture's cost is not known. */
  #imagesFor(money: number, records: readonly UsageRecord[]): number {
    const { settings } = this.#options;
    const spent = records.reduce((sum, record) => sum + this.#costOf(record), 0);
    const left = money - spent;
    if (left <= 0) return 0;
    const dearest = Math.max(0, ...records.map((record) => costPerImage(record, settings) ?? 0));
    const perImage = dearest || (settings.pricePerThousandImages ?? 0) / 1_000;
    return perImage > 0 ? Math.floor(left / perImage + ROUNDING) : Infinity;
  }

  #costOf(record: UsageRecord): number {
    const cost = costOf(record, this.#options.settings);
    if (cost === null && record.images > 0 && !this.#hasWarned) {
      this.#hasWarned = true;
      this.#options.logger.warn(
        `budget.moneyPerMonth cannot be kept to: the provider of "${record.model}" does not say how many tokens it counts. Set budget.pricePerThousandImages, or budget.imagesPerMonth.`,
      );
    }
    return cost ?? 0;
  }

  #note({ usedUp }: Balance, now: number): void {
    const { logger } = this.#options;
    const before = this.#pause;
    if (usedUp === null) {
      this.#pause = null;
      if (before) logger.info('There is something left of the budget: indexing goes on.');
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
        ? `${String(imagesPerMonth)} pictures`
        : `${String(moneyPerMonth)} ${currency}`;
    return new ImageSearchError({
      code: 'budget-reached',
      message: `The budget of ${limit} for hosted models is used up: indexing pauses until ${new Date(until).toISOString()}, searches go on. Raise budget.${setting} to go on before.`,
      retryable: true,
    });
  }
}

/** Sums of prices are not exact: a picture must not be lost to the last digit. */
const ROUNDING = 1e-9;
