import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { abortedError, ImageSearchError } from '../../errors';
import type { WorkerProgram } from '../../workers';
import type {
  Answer,
  CancelRequest,
  DownloadProgress,
  Failure,
  ImagesRequest,
  ModelFiles,
  ModelOrder,
  OpenRequest,
  TextsRequest,
} from './protocol';

/** Processes that may die in a row without an answer before the next start has to wait. */
const MAX_DEATHS_IN_A_ROW = 3;
const WAIT_AFTER_DEATHS_MS = 30_000;

export interface ModelProcessOptions {
  program: WorkerProgram;
  order: ModelOrder;
  /** What the model was described with. */
  files: ModelFiles;
  /** Reads the same again: before each start, they must not have changed. */
  readFiles: () => Promise<ModelFiles>;
  /** It ends after this time without requests, in milliseconds; 0: never. */
  idleMs: number;
  onProgress: (progress: DownloadProgress) => void;
  /** The process died: why, and the end of its standard error. */
  onDeath: (reason: string, lastOutput: string) => void;
  /** A monotonic clock, in milliseconds. */
  now?: () => number;
}

interface Running {
  channel: ProcessChannel;
  /** Settles once the process has opened the model. */
  opened: Promise<void>;
}

/**
 * The process that the model runs in.
 *
 * onnxruntime's `run` blocks the thread that calls it, for 30 ms or more per image: on Strapi's thread, every request of
 * the site would wait. A worker thread would solve that, but only a separate process can run at a low priority, return
 * its memory when it ends, and die of a crash in native code or of the kernel's out-of-memory killer without taking the
 * site with it.
 *
 * The first call starts it, and so does the first call after it died or was idle for too long. While idle, it doesn't
 * keep the server's process alive, and it ends when the server does.
 */
export class ModelProcess {
  readonly #options: ModelProcessOptions;
  readonly #now: () => number;
  #running: Running | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #calls = 0;
  #deathsInARow = 0;
  #lastDeath = 0;
  #isDisposed = false;

  constructor(options: ModelProcessOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Null while the process isn't running. */
  get processId(): number | null {
    return this.#running?.channel.processId ?? null;
  }

  async embed(
    order: Omit<TextsRequest, 'id'> | Omit<ImagesRequest, 'id'>,
    signal?: AbortSignal,
  ): Promise<Float32Array[]> {
    if (signal?.aborted === true) throw abortedError(signal.reason);
    this.#calls += 1;
    try {
      const { channel, opened } = this.#start();
      await unlessAborted(opened, signal);
      const answer = await channel.request(order, signal);
      if (answer.kind !== 'embedded') throw unexpectedAnswer(answer.kind);
      return answer.vectors;
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#endWhenIdle();
    }
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    this.#cancelIdleEnd();
    const running = this.#running;
    this.#running = null;
    await running?.channel.close(abortedError());
  }

  #start(): Running {
    if (this.#isDisposed) throw abortedError();
    this.#cancelIdleEnd();
    if (this.#running !== null) return this.#running;
    this.#checkDeaths();
    const channel = new ProcessChannel(this.#options.program, {
      onAnswer: () => {
        this.#deathsInARow = 0;
      },
      onProgress: this.#options.onProgress,
      onDeath: (reason, lastOutput) => {
        this.#running = null;
        this.#deathsInARow += 1;
        this.#lastDeath = this.#now();
        this.#options.onDeath(reason, lastOutput);
      },
    });
    this.#running = { channel, opened: this.#open(channel) };
    return this.#running;
  }

  #cancelIdleEnd(): void {
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
  }

  #endWhenIdle(): void {
    const { idleMs } = this.#options;
    this.#cancelIdleEnd();
    if (idleMs === 0 || this.#running === null) return;
    this.#idleTimer = setTimeout(() => {
      const running = this.#running;
      this.#running = null;
      void running?.channel.close(abortedError());
    }, idleMs).unref();
  }

  /** A process that failed to open the model is useless: the next call starts another. */
  async #open(channel: ProcessChannel): Promise<void> {
    const { files, order, readFiles } = this.#options;
    try {
      if (!isDeepStrictEqual(await readFiles(), files)) throw filesChanged();
      const answer = await channel.request({ kind: 'open', ...order });
      if (answer.kind !== 'opened') throw unexpectedAnswer(answer.kind);
    } catch (error) {
      if (this.#running?.channel === channel) this.#running = null;
      await channel.close(abortedError(error));
      throw error;
    }
  }

  /** Every call would restart a process that dies right after its start. */
  #checkDeaths(): void {
    if (this.#deathsInARow < MAX_DEATHS_IN_A_ROW) return;
    const retryAfterMs = this.#lastDeath + WAIT_AFTER_DEATHS_MS - this.#now();
    if (retryAfterMs <= 0) return;
    throw new ImageSearchError({
      code: 'provider-unavailable',
      message: `The model's process ended ${String(this.#deathsInARow)} times in a row without an answer, so it restarts after a pause. Check the log for its last output, and whether this machine has enough memory.`,
      retryable: true,
      retryAfterMs,
    });
  }
}

function filesChanged(): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-unavailable',
    message:
      "The model's files changed while it was in use, so its vectors would no longer match the index. Restart Strapi to index with the new model.",
    retryable: true,
  });
}

function unexpectedAnswer(kind: string): TypeError {
  return new TypeError(`The model's process sent "${kind}" for another kind of request.`);
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

/** How much of a process's standard error is kept to explain its death, in characters. */
const LAST_OUTPUT_LENGTH = 2_000;

type Numbered = OpenRequest | TextsRequest | ImagesRequest;
type Order = Omit<OpenRequest, 'id'> | Omit<TextsRequest, 'id'> | Omit<ImagesRequest, 'id'>;
type FinalAnswer = Exclude<Answer, { kind: 'progress' | 'failed' }>;

interface ChannelListeners {
  onAnswer: () => void;
  onProgress: (progress: DownloadProgress) => void;
  /** The process died: why, and the end of its standard error. */
  onDeath: (reason: string, lastOutput: string) => void;
}

interface PendingRequest {
  resolve(answer: FinalAnswer): void;
  reject(error: Error): void;
}

/**
 * A process of the model and its pending requests. It keeps the server's process alive only while requests are pending.
 */
class ProcessChannel {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #listeners: ChannelListeners;
  #lastId = 0;
  #lastOutput = '';
  /** The error of every request after the process has ended. */
  #closure: Error | null = null;

  constructor({ file, execArgv }: WorkerProgram, listeners: ChannelListeners) {
    this.#listeners = listeners;
    this.#child = fork(file, {
      serialization: 'advanced',
      // The model's output must not mix with Strapi's.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv,
    });
    this.#listen();
    this.#setAlive(false);
  }

  get processId(): number | null {
    return this.#child.pid ?? null;
  }

  /** Rejects with `aborted`, with the failure that the process reports, or with the error that `close` gets. */
  async request(order: Order, signal?: AbortSignal): Promise<FinalAnswer> {
    if (signal?.aborted === true) throw abortedError(signal.reason);
    if (this.#closure !== null) throw this.#closure;
    return this.#post(order, signal);
  }

  /** Kills the process at once and rejects pending requests. */
  async close(error: Error): Promise<void> {
    this.#closure ??= error;
    this.#rejectAll(error);
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.ref();
    this.#child.kill('SIGKILL');
    await exit;
  }

  #post(order: Order, signal: AbortSignal | undefined): Promise<FinalAnswer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#pending.delete(id);
        signal?.removeEventListener('abort', abort);
        if (this.#pending.size === 0) this.#setAlive(false);
      };
      const abort = (): void => {
        settle();
        this.#send({ kind: 'cancel', id });
        reject(abortedError(signal?.reason));
      };
      this.#pending.set(id, {
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      signal?.addEventListener('abort', abort, { once: true });
      this.#setAlive(true);
      this.#send({ ...order, id });
    });
  }

  #listen(): void {
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastOutput = (this.#lastOutput + chunk.toString()).slice(-LAST_OUTPUT_LENGTH);
    });
    this.#child.on('message', (message) => {
      this.#receive(message as Answer);
    });
    this.#child.on('error', (error) => {
      this.#die(error.message);
    });
    this.#child.on('exit', (code, signal) => {
      this.#die(signal ?? `exit code ${String(code)}`);
    });
  }

  #receive(answer: Answer): void {
    if (answer.kind === 'progress') {
      this.#listeners.onProgress(answer);
      return;
    }
    this.#listeners.onAnswer();
    const pending = this.#pending.get(answer.id);
    if (answer.kind === 'failed') pending?.reject(failureToError(answer.failure));
    else pending?.resolve(answer);
  }

  #die(reason: string): void {
    if (this.#closure !== null) return;
    this.#closure = new ImageSearchError({
      code: 'provider-unavailable',
      message: `The model's process ended (${reason}) without an answer. The next call restarts it.`,
      retryable: true,
      cause: this.#lastOutput === '' ? undefined : new Error(this.#lastOutput),
    });
    this.#listeners.onDeath(reason, this.#lastOutput);
    this.#rejectAll(this.#closure);
  }

  #rejectAll(error: Error): void {
    for (const pending of [...this.#pending.values()]) pending.reject(error);
  }

  /** Ignores errors: a process that can't be written to has ended, and its `exit` event settles what is pending. */
  #send(request: Numbered | CancelRequest): void {
    this.#child.send(request, () => undefined);
  }

  #setAlive(isAlive: boolean): void {
    const { stderr, channel } = this.#child;
    if (stderr instanceof Socket) stderr.unref();
    if (isAlive) {
      this.#child.ref();
      channel?.ref();
    } else {
      this.#child.unref();
      channel?.unref();
    }
  }
}

/** What the model's process, or what reads its files, has named. */
export function failureToError({ code, message, retryable, cause }: Failure): ImageSearchError {
  return new ImageSearchError({ code, message, retryable, cause: new Error(cause) });
}
