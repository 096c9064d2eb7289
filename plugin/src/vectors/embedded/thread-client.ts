import { Worker } from 'node:worker_threads';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type { WorkerProgram } from '../../workers';
import type { DatabaseIdentity } from '../contract';
import type {
  OperationInput,
  OperationName,
  OperationResult,
  ThreadMessage,
  ThreadOptions,
  ThreadRequest,
} from './protocol';

export interface ThreadClientOptions extends Omit<ThreadOptions, 'database'> {
  /** Asked before the thread starts. */
  database: () => Promise<DatabaseIdentity | null>;
  program: WorkerProgram;
  logger: Logger;
  onLoss: () => void;
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Starts the thread at the first call, and again after a crash, which fails the calls in progress with
 * `store-unavailable`. The thread keeps the process alive only during calls.
 */
export class ThreadClient {
  readonly #options: ThreadClientOptions;
  readonly #pending = new Map<number, PendingCall>();
  /** Undefined until it is known. */
  #database: DatabaseIdentity | null | undefined;
  #identifying: Promise<DatabaseIdentity | null> | null = null;
  #worker: Worker | null = null;
  #lastId = 0;
  #disposal: Promise<void> | null = null;

  constructor(options: ThreadClientOptions) {
    this.#options = options;
  }

  /** The buffers in `transfer` are detached. */
  async call<Name extends OperationName>(
    operation: Name,
    input: OperationInput<Name>,
    transfer: ArrayBuffer[] = [],
  ): Promise<OperationResult<Name>> {
    if (this.#disposal !== null) throw unavailable('it has been closed');
    if (this.#database === undefined) await this.#identify();
    return this.#send(operation, input, transfer);
  }

  /** Of calls before the first result, only one asks. A failure is asked again by the next call. */
  async #identify(): Promise<void> {
    this.#identifying ??= this.#options.database().finally(() => {
      this.#identifying = null;
    });
    this.#database = await this.#identifying;
  }

  /** Waits for calls in progress, closes the file and ends the thread. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#stop();
    return this.#disposal;
  }

  async #stop(): Promise<void> {
    await this.#identifying?.catch(() => null);
    const worker = this.#worker;
    if (worker === null) return;
    try {
      await this.#send('close', null, []);
    } catch (error) {
      // Nothing is lost: resolved calls are in the file, and the thread ends in any case.
      this.#options.logger.warn(
        `The vector file couldn't be closed: ${toImageSearchError(error).message}`,
      );
    }
    await worker.terminate();
  }

  #send<Name extends OperationName>(
    operation: Name,
    input: OperationInput<Name>,
    transfer: ArrayBuffer[],
  ): Promise<OperationResult<Name>> {
    const worker = (this.#worker ??= this.#start());
    this.#lastId += 1;
    const request: ThreadRequest<Name> = { id: this.#lastId, operation, input };
    return new Promise((resolve, reject) => {
      worker.postMessage(request, transfer);
      this.#pending.set(request.id, { resolve: resolve, reject });
      worker.ref();
    });
  }

  #start(): Worker {
    const { program, file, prefilterFrom, projectFolder, drivers, keepsDamaged } = this.#options;
    const database = this.#database ?? null;
    const workerData: ThreadOptions = {
      file,
      prefilterFrom,
      projectFolder,
      drivers,
      database,
      keepsDamaged,
    };
    const worker = new Worker(program.file, {
      workerData,
      execArgv: program.execArgv,
      name: 'vector-store',
    });
    worker.unref();
    worker.on('message', (message: ThreadMessage) => {
      this.#receive(worker, message);
    });
    let crash: Error | undefined;
    worker.on('error', (error) => (crash = error));
    worker.on('exit', () => {
      this.#rejectPending(worker, crash);
    });
    return worker;
  }

  #receive(worker: Worker, message: ThreadMessage): void {
    if (message.kind === 'notice') {
      const { level, message: text, isLoss } = message.notice;
      this.#options.logger[level](text);
      if (isLoss) this.#options.onLoss();
      return;
    }
    const call = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) worker.unref();
    if (message.kind === 'result') call?.resolve(message.result);
    else call?.reject(new ImageSearchError(message.failure));
  }

  #rejectPending(worker: Worker, cause: Error | undefined): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const error = unavailable('its thread crashed and will restart at the next call', cause);
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }
}

function unavailable(reason: string, cause?: Error): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The embedded vector store is unavailable: ${reason}.`,
    retryable: true,
    cause,
  });
}
