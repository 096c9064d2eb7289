import type { ProviderContext } from '../contract';
import type { DownloadProgress } from './protocol';

const STEP_PERCENT = 10;
const STEP_MS = 5_000;
const BYTES_PER_MEGABYTE = 1e6;

export interface DownloadReport {
  update(progress: DownloadProgress): void;
  /** The download ended, well or not. */
  end(): void;
  /** The last sentence that was told; null when nothing is under way. */
  readonly current: string | null;
}

/**
 * Tells the operator of a download in steps of ten per cent or five seconds. Files that arrive in one piece, as those
 * from the cache do, are not worth a word. `now` answers milliseconds.
 */
export function createDownloadReport(
  model: string,
  { logger, onProgress }: Pick<ProviderContext, 'logger' | 'onProgress'>,
  now: () => number = () => performance.now(),
): DownloadReport {
  const files = new Map<string, DownloadProgress>();
  let current: string | null = null;
  let toldPercent = 0;
  let toldAt = 0;

  const tell = (): void => {
    const { loaded, total } = sum([...files.values()]);
    const percent = total === 0 ? 0 : Math.floor((loaded / total) * 100);
    const isFirst = current === null;
    if (!isFirst && percent < toldPercent + STEP_PERCENT && now() - toldAt < STEP_MS) return;
    toldPercent = percent;
    toldAt = now();
    current = `Downloading the model "${model}": ${megabytes(loaded)} of ${megabytes(total)} MB (${String(percent)} %).`;
    logger.info(current);
    onProgress(current);
  };

  return {
    update(progress) {
      if (!files.has(progress.file) && progress.loaded >= progress.total) return;
      files.set(progress.file, progress);
      tell();
    },
    end() {
      files.clear();
      if (current === null) return;
      current = null;
      onProgress(null);
    },
    get current() {
      return current;
    },
  };
}

function sum(files: readonly DownloadProgress[]): { loaded: number; total: number } {
  const add = (key: 'loaded' | 'total') => files.reduce((bytes, file) => bytes + file[key], 0);
  return { loaded: add('loaded'), total: Math.max(add('total'), add('loaded')) };
}

function megabytes(bytes: number): string {
  return (bytes / BYTES_PER_MEGABYTE).toFixed(1);
}
