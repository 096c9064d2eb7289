import type { CopyProgress } from '../../../plugin/src/vectors/copy';

const SECOND_MS = 1_000;

export interface ProgressReportOptions {
  /** Whether `write` goes to a terminal: there one line is written over and over, elsewhere lines now and then. */
  isTerminal: boolean;
  write: (text: string) => void;
  /** Milliseconds, from any point in time. */
  now: () => number;
}

const TERMINAL_EVERY_MS = 200;
const LINE_EVERY_MS = 5 * SECOND_MS;
/** Back to the start of the line, and everything behind it deleted. */
const REWRITE = '\r\u001B[K';

/** Says how far a copy is, how fast it goes and how long it will take. */
export class ProgressReport {
  readonly #options: ProgressReportOptions;
  #spaceId: string | null = null;
  #beganAt = 0;
  #toldAt = -Infinity;
  #last: CopyProgress | null = null;
  #told: CopyProgress | null = null;

  constructor(options: ProgressReportOptions) {
    this.#options = options;
  }

  tell(progress: CopyProgress): void {
    const { isTerminal, now } = this.#options;
    if (progress.space.id !== this.#spaceId) this.#begin(progress);
    this.#last = progress;
    if (now() - this.#toldAt < (isTerminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) return;
    this.#toldAt = now();
    this.#write(progress);
  }

  /** The line of what was told last, whatever was left out of it. */
  end(): void {
    const { isTerminal, write } = this.#options;
    if (this.#last === null) return;
    if (this.#last !== this.#told) this.#write(this.#last);
    if (isTerminal) write('\n');
    this.#last = null;
  }

  #begin({ space, total }: CopyProgress): void {
    this.end();
    this.#spaceId = space.id;
    this.#beganAt = this.#options.now();
    this.#toldAt = -Infinity;
    this.#options.write(`${space.id}: ${formatCount(total)} vectors\n`);
  }

  #write(progress: CopyProgress): void {
    const { isTerminal, write } = this.#options;
    const line = this.#describe(progress);
    this.#told = progress;
    write(isTerminal ? `${REWRITE}${line}` : `${line}\n`);
  }

  #describe({ done, total, copied, unchanged }: CopyProgress): string {
    const seconds = (this.#options.now() - this.#beganAt) / SECOND_MS;
    const speed = seconds > 0 ? done / seconds : 0;
    const parts = [
      `  ${formatCount(done)} of ${formatCount(total)}`,
      `${formatCount(copied)} copied`,
      ...(unchanged > 0 ? [`${formatCount(unchanged)} there already`] : []),
      ...(speed > 0 ? [`${formatCount(Math.round(speed))}/s`] : []),
      ...(speed > 0 && done < total ? [`${formatDuration((total - done) / speed)} left`] : []),
    ];
    return parts.join(', ');
  }
}

function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** @param seconds 0 or more */
function formatDuration(seconds: number): string {
  const rounded = Math.ceil(seconds);
  if (rounded < 60) return `${String(rounded)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min`;
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
