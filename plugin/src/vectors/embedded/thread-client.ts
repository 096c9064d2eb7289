import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import { RequestThread } from '../../threads';
import type { WorkerProgram } from '../../workers';
import type { DatabaseIdentity } from '../contract';
import type { Operations, StoreNotice, StoreThreadOptions } from './protocol';

export interface ThreadClientOptions extends Omit<StoreThreadOptions, 'database'> {
  /** Asked before the thread starts. */
  database: () => Promise<DatabaseIdentity | null>;
  program: WorkerProgram;
  logger: Logger;
  onLoss: () => void;
}

/** The thread that owns the vector file, once it's known whose vectors it is asked for. */
export class ThreadClient {
  readonly #options: ThreadClientOptions;
  readonly #thread: RequestThread<Operations>;
  /** Undefined until it is known. */
  #database: DatabaseIdentity | null | undefined;
  #identifying: Promise<DatabaseIdentity | null> | null = null;

  constructor(options: ThreadClientOptions) {
    this.#options = options;
    const { program, logger, onLoss } = options;
    this.#thread = new RequestThread({
      program,
      name: 'vector-store',
      workerData: () => this.#threadOptions(),
      onNotice: (notice) => {
        const { level, message, isLoss } = notice as StoreNotice;
        logger[level](message);
        if (isLoss) onLoss();
      },
      unavailable: (reason, cause) =>
        new ImageSearchError({
          code: 'store-unavailable',
          message: `The embedded vector store is unavailable: ${reason}.`,
          retryable: true,
          cause,
        }),
    });
  }

  /** The buffers in `transfer` are detached. */
  async call<Name extends keyof Operations>(
    operation: Name,
    input: Operations[Name]['input'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Operations[Name]['result']> {
    this.#thread.checkOpen();
    if (this.#database === undefined) await this.#identify();
    return this.#thread.call(operation, input, transfer);
  }

  /** Waits for calls in progress, closes the file and ends the thread. */
  async dispose(): Promise<void> {
    await this.#identifying?.catch(() => null);
    try {
      await this.#thread.dispose();
    } catch (error) {
      // Nothing is lost: resolved calls are in the file, and the thread ends in any case.
      this.#options.logger.warn(
        `The vector file couldn't be closed: ${toImageSearchError(error).message}`,
      );
    }
  }

  /** Of calls before the first result, only one asks. A failure is asked again by the next call. */
  async #identify(): Promise<void> {
    this.#identifying ??= this.#options.database().finally(() => {
      this.#identifying = null;
    });
    this.#database = await this.#identifying;
  }

  #threadOptions(): StoreThreadOptions {
    const { file, prefilterFrom, projectFolder, drivers, keepsDamaged } = this.#options;
    const database = this.#database ?? null;
    return { file, prefilterFrom, projectFolder, drivers, database, keepsDamaged };
  }
}
