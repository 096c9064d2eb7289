import { Worker } from 'node:worker_threads';
import { ImageSearchError, toImageSearchError } from '../../errors';
import type { Logger } from '../../logger';
import type {
  OperationInput,
  OperationName,
  OperationResult,
  ThreadMessage,
  ThreadOptions,
  ThreadRequest,
} from './protocol';

export interface ThreadClientOptions extends ThreadOptions {
  /** Compiled entry of the thread. */
  threadFile: string;
  logger: Logger;
  onLoss: () => void;
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Starts the thread with the first call and again after a crash, which fails the calls under way with
 * `store-unavailable`. The thread keeps the process alive only while a call is under way.
 */
export class ThreadClient {
  readonly #options: ThreadClientOptions;
  readonly #pending = new Map<number, PendingCall>();
  #worker: Worker | null = null;
  #lastId = 0;
  #disposal: Promise<void> | null = null;

  constructor(options: ThreadClientOptions) {
    this.#options = options;
  }

  /** Buffers in `transfer` are gone for the caller. */
  call<Name extends OperationName>(
    operation: Name,
    input: OperationInput<Name>,
    transfer: ArrayBuffer[] = [],
  ): Promise<OperationResult<Name>> {
    if (this.#disposal !== null) return Promise.reject(unavailable('it has been closed'));
    return this.#send(operation, input, transfer);
  }

  /** Lets calls under way end, closes the file and ends the thread. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#stop();
    return this.#disposal;
  }

  async #stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === null) return;
    try {
      await this.#send('close', null, []);
    } catch (error) {
      // Nothing is lost: what was resolved is in the file, and the thread ends in any case.
      this.#options.logger.warn(
        `Closing the vector file failed: ${toImageSearchError(error).message}`,
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
    const { threadFile, file, prefilterFrom } = this.#options;
    const workerData: ThreadOptions = { file, prefilterFrom };
    // Without the parent's flags: loaders and inspectors are not meant for it.
    const worker = new Worker(threadFile, { workerData, execArgv: [], name: 'vector-store' });
    worker.unref();
    worker.on('message', (message: ThreadMessage) => {
      this.#receive(worker, message);
    });
    let crash: Error | undefined;
    worker.on('error', (error) => (crash = error));
    worker.on('exit', () => {
      this.#abandon(worker, crash);
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

  #abandon(worker: Worker, cause: Error | undefined): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    const error = unavailable(
      'its thread ended unexpectedly and is started again by the next call',
      cause,
    );
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }
}

function unavailable(reason: string, cause?: Error): ImageSearchError {
  return new ImageSearchError({
    code: 'store-unavailable',
    message: `The embedded vector store cannot be used: ${reason}.`,
    retryable: true,
    cause,
  });
}
