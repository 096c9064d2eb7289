import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { abortedError, ImageSearchError } from '../../errors';
import type {
  Answer,
  CancelRequest,
  DownloadProgress,
  Failure,
  ImagesRequest,
  OpenRequest,
  TextsRequest,
} from './protocol';

/** How much of what a process wrote to standard error is kept to explain its end. */
const LAST_WORDS_LENGTH = 2_000;

type Numbered = OpenRequest | TextsRequest | ImagesRequest;
export type Order = Omit<OpenRequest, 'id'> | Omit<TextsRequest, 'id'> | Omit<ImagesRequest, 'id'>;
export type FinalAnswer = Exclude<Answer, { kind: 'progress' | 'failed' }>;

export interface ChannelListeners {
  onAnswer: () => void;
  onProgress: (progress: DownloadProgress) => void;
  /** The process ended unbidden: why, and what it wrote last. */
  onDeath: (reason: string, lastWords: string) => void;
}

interface PendingRequest {
  resolve(answer: FinalAnswer): void;
  reject(error: Error): void;
}

/**
 * One process of the model and the requests that it owes an answer. While there are any it keeps the server's process
 * alive, otherwise not.
 */
export class ProcessChannel {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #listeners: ChannelListeners;
  #lastId = 0;
  #lastWords = '';
  /** What every request is rejected with once the process has ended. */
  #closure: Error | null = null;

  constructor(file: string, listeners: ChannelListeners) {
    this.#listeners = listeners;
    this.#child = fork(file, {
      serialization: 'advanced',
      // Nothing of the model's may appear among Strapi's own output.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    });
    this.#listen();
    this.#setAlive(false);
  }

  get processId(): number | null {
    return this.#child.pid ?? null;
  }

  /** Rejects with `aborted`, with the process's own failure, or with whatever `close` is given. */
  async request(order: Order, signal?: AbortSignal): Promise<FinalAnswer> {
    if (signal?.aborted === true) throw abortedError(signal.reason);
    if (this.#closure !== null) throw this.#closure;
    return this.#post(order, signal);
  }

  /** Ends the process at once, whatever it is doing, and rejects what it still owes. */
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
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-LAST_WORDS_LENGTH);
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
    if (answer.kind === 'failed') pending?.reject(toError(answer.failure));
    else pending?.resolve(answer);
  }

  #die(reason: string): void {
    if (this.#closure !== null) return;
    this.#closure = new ImageSearchError({
      code: 'provider-unavailable',
      message: `The model's process ended (${reason}) before it answered. The next call starts it again.`,
      retryable: true,
      cause: this.#lastWords === '' ? undefined : new Error(this.#lastWords),
    });
    this.#listeners.onDeath(reason, this.#lastWords);
    this.#rejectAll(this.#closure);
  }

  #rejectAll(error: Error): void {
    for (const pending of [...this.#pending.values()]) pending.reject(error);
  }

  /** A process that can no longer be written to has ended: its `exit` event settles what is pending. */
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

function toError({ code, message, retryable, cause }: Failure): ImageSearchError {
  return new ImageSearchError({ code, message, retryable, cause: new Error(cause) });
}
