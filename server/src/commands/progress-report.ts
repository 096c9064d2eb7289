import type { CopyProgress } from '../../../plugin/src/vectors/copy';

const SECOND_MS = 1_000;

interface ProgressReportOptions {
  /** Whether `write` goes to a terminal: one line is updated there; elsewhere a line is written now and then. */
  isTerminal: boolean;
  write: (text: string) => void;
  /** In milliseconds, from any origin. */
  now: () => number;
}

const TERMINAL_EVERY_MS = 200;
const LINE_EVERY_MS = 5 * SECOND_MS;
/** Returns to the start of the line and erases the rest. */
const REWRITE = '\r\u001B[K';

/** Reports how much was copied, how fast, and how long the rest will take. */
export class ProgressReport {
  readonly #options: ProgressReportOptions;
  #spaceId: string | null = null;
  #beganAt = 0;
  #writtenAt = -Infinity;
  #last: CopyProgress | null = null;
  #written: CopyProgress | null = null;

  constructor(options: ProgressReportOptions) {
    this.#options = options;
  }

  update(progress: CopyProgress): void {
    const { isTerminal, now } = this.#options;
    if (progress.space.id !== this.#spaceId) this.#begin(progress);
    this.#last = progress;
    if (now() - this.#writtenAt < (isTerminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) return;
    this.#writtenAt = now();
    this.#write(progress);
  }

  /** The latest line, even if it wasn't written. */
  end(): void {
    const { isTerminal, write } = this.#options;
    if (this.#last === null) return;
    if (this.#last !== this.#written) this.#write(this.#last);
    if (isTerminal) write('\n');
    this.#last = null;
  }

  #begin({ space, total }: CopyProgress): void {
    this.end();
    this.#spaceId = space.id;
    this.#beganAt = this.#options.now();
    this.#writtenAt = -Infinity;
    this.#options.write(`${space.id}: ${formatCount(total)} vectors\n`);
  }

  #write(progress: CopyProgress): void {
    const { isTerminal, write } = this.#options;
    const line = this.#describe(progress);
    this.#written = progress;
    write(isTerminal ? `${REWRITE}${line}` : `${line}\n`);
  }

  #describe({ done, total, copied, unchanged }: CopyProgress): string {
    const seconds = (this.#options.now() - this.#beganAt) / SECOND_MS;
    const speed = seconds > 0 ? done / seconds : 0;
    const parts = [
      `  ${formatCount(done)} of ${formatCount(total)}`,
      `${formatCount(copied)} copied`,
      ...(unchanged > 0 ? [`${formatCount(unchanged)} unchanged`] : []),
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
