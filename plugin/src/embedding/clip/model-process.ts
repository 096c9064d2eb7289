import { isDeepStrictEqual } from 'node:util';
import { abortedError, ImageSearchError } from '../../errors';
import { ProcessChannel, type Order } from './process-channel';
import type {
  DownloadProgress,
  ImagesRequest,
  ModelFiles,
  ModelOrder,
  TextsRequest,
} from './protocol';

/** Processes that may end one after another without having answered anything before the next has to wait. */
const MAX_DEATHS_IN_A_ROW = 3;
const WAIT_AFTER_DEATHS_MS = 30_000;

export interface ModelProcessOptions {
  /** Compiled entry of the process. */
  file: string;
  order: ModelOrder;
  onProgress: (progress: DownloadProgress) => void;
  /** The process ended unbidden: why, and what it wrote last. */
  onDeath: (reason: string, lastWords: string) => void;
  /** Milliseconds that only grow. */
  now?: () => number;
}

interface Running {
  channel: ProcessChannel;
  /** Settles when the process has opened the model. */
  files: Promise<ModelFiles>;
}

/**
 * The process that the model runs in.
 *
 * onnxruntime's `run` computes on the thread that calls it and blocks it, 30 ms and more for a picture: on Strapi's
 * thread it would make every request of the site wait. A worker thread would do for that, but not for the rest: in a
 * process of its own the model runs at a low priority, its memory is given back when it ends, and a crash of native
 * code or the kernel's out-of-memory killer costs a few retries instead of the site.
 *
 * It is started by the first call, and again by the first call after its end. Idle, it does not keep the server's
 * process alive; it ends when that does, however that ends.
 */
export class ModelProcess {
  readonly #options: ModelProcessOptions;
  readonly #now: () => number;
  #running: Running | null = null;
  #knownFiles: ModelFiles | null = null;
  #deathsInARow = 0;
  #lastDeath = 0;
  #isDisposed = false;

  constructor(options: ModelProcessOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Null when the process is not running. */
  get processId(): number | null {
    return this.#running?.channel.processId ?? null;
  }

  /** What the model is, as the process finds it. */
  async readFiles(): Promise<ModelFiles> {
    return this.#start().files;
  }

  async embed(
    order: Omit<TextsRequest, 'id'> | Omit<ImagesRequest, 'id'>,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    if (signal?.aborted === true) throw abortedError(signal.reason);
    const { channel, files } = this.#start();
    await unlessAborted(files, signal);
    const answer = await channel.request(order, signal);
    if (answer.kind !== 'embedded') throw unexpectedAnswer(answer.kind);
    return answer.vectors;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const running = this.#running;
    this.#running = null;
    await running?.channel.close(abortedError());
  }

  #start(): Running {
    if (this.#isDisposed) throw abortedError();
    if (this.#running !== null) return this.#running;
    this.#checkDeaths();
    const channel = new ProcessChannel(this.#options.file, {
      onAnswer: () => {
        this.#deathsInARow = 0;
      },
      onProgress: this.#options.onProgress,
      onDeath: (reason, lastWords) => {
        this.#running = null;
        this.#deathsInARow += 1;
        this.#lastDeath = this.#now();
        this.#options.onDeath(reason, lastWords);
      },
    });
    this.#running = { channel, files: this.#open(channel) };
    return this.#running;
  }

  /** A process that failed to open the model is of no use: the next call starts another. */
  async #open(channel: ProcessChannel): Promise<ModelFiles> {
    const order: Order = { kind: 'open', ...this.#options.order };
    try {
      const answer = await channel.request(order);
      if (answer.kind !== 'opened') throw unexpectedAnswer(answer.kind);
      this.#knownFiles ??= answer.files;
      if (isDeepStrictEqual(answer.files, this.#knownFiles)) return answer.files;
      throw filesExchanged();
    } catch (error) {
      if (this.#running?.channel === channel) this.#running = null;
      await channel.close(abortedError(error));
      throw error;
    }
  }

  /** A process that dies at birth must not be started for ever, by every call anew. */
  #checkDeaths(): void {
    if (this.#deathsInARow < MAX_DEATHS_IN_A_ROW) return;
    const retryAfterMs = this.#lastDeath + WAIT_AFTER_DEATHS_MS - this.#now();
    if (retryAfterMs <= 0) return;
    throw new ImageSearchError({
      code: 'provider-unavailable',
      message: `The model's process ended ${String(this.#deathsInARow)} times in a row before it answered. After a pause it is started again; see the log for its last words, and whether the machine has enough memory.`,
      retryable: true,
      retryAfterMs,
    });
  }
}

function filesExchanged(): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-unavailable',
    message:
      "The model's files were exchanged while it was in use, so that its vectors would no longer fit those in the index. Restart the server to index with the new model.",
    retryable: true,
  });
}

function unexpectedAnswer(kind: string): TypeError {
  return new TypeError(`The model's process answered "${kind}" to another question.`);
}

function unlessAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(abortedError(signal.reason));
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}
