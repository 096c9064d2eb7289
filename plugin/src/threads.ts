import { parentPort, Worker } from 'node:worker_threads';
import { toImageSearchError, ImageSearchError, type ErrorCode } from './errors';
import type { WorkerProgram } from './workers';

/** What a thread does: the input and the result of each operation. */
type OperationsOf<Operations> = Record<keyof Operations, { input: unknown; result: unknown }>;

/** The operations as the thread runs them; they throw ImageSearchErrors. */
export type Handlers<Operations extends OperationsOf<Operations>> = {
  [Name in keyof Operations]: (input: Operations[Name]['input']) => Operations[Name]['result'];
};

interface Request {
  id: number;
  operation: PropertyKey;
  input: unknown;
}

type Message =
  | { kind: 'result'; id: number; result: unknown }
  | { kind: 'failure'; id: number; failure: Failure }
  | { kind: 'notice'; notice: unknown };

/** An ImageSearchError in a message between threads. */
interface Failure {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  cause: unknown;
}

/** Runs in the thread: answers requests in their order. Buffers of a result's `vectors` are moved, not copied. */
export function answerRequests<Operations extends OperationsOf<Operations>>(
  handlers: Handlers<Operations>,
): void {
  parentPort?.on('message', ({ id, operation, input }: Request) => {
    let message: Message;
    try {
      const result = handlers[operation as keyof Operations](input);
      message = { kind: 'result', id, result };
    } catch (error) {
      const { code, message: text, retryable, cause } = toImageSearchError(error);
      message = { kind: 'failure', id, failure: { code, message: text, retryable, cause } };
    }
    parentPort?.postMessage(message, transferablesOf(message));
  });
}

/** Runs in the thread: tells the process something that isn't an answer. */
export function sendNotice(notice: unknown): void {
  const message: Message = { kind: 'notice', notice };
  parentPort?.postMessage(message);
}

function transferablesOf(message: Message): ArrayBuffer[] {
  if (message.kind !== 'result') return [];
  const { result } = message;
  const hasVectors = typeof result === 'object' && result !== null && 'vectors' in result;
  return hasVectors ? [(result.vectors as Float32Array<ArrayBuffer>).buffer] : [];
}

export interface ThreadOptions {
  program: WorkerProgram;
  /** As debuggers and profilers show it. */
  name: string;
  /** Asked at each start. */
  workerData: () => unknown;
  /** Milliseconds without a call after which the thread ends, until the next call; never without. */
  restAfterMs?: number | undefined;
  onNotice?: (notice: unknown) => void;
  /** The error of calls that the thread can't answer. */
  unavailable: (reason: string, cause?: Error) => ImageSearchError;
}

/**
 * A thread that starts at the first call, and again after a crash, which fails the calls in progress. It keeps the
 * process alive only during calls. One of its operations is `close`: whatever it holds is released.
 */
export class RequestThread<Operations extends OperationsOf<Operations> & { close: unknown }> {
  readonly #options: ThreadOptions;
  #running: RunningThread | null = null;
  #rest: NodeJS.Timeout | undefined;
  /** Of a thread that rests. */
  #ending: Promise<unknown> = Promise.resolve();
  #disposal: Promise<void> | null = null;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /**
   * @param transfer buffers of the input, which are detached
   * @throws ImageSearchError of the operation; `unavailable` when the thread crashes or has been disposed
   */
  async call<Name extends keyof Operations>(
    operation: Name,
    input: Operations[Name]['input'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Operations[Name]['result']> {
    this.checkOpen();
    clearTimeout(this.#rest);
    const running = (this.#running ??= this.#start());
    try {
      return await running.send(operation, input, transfer);
    } finally {
      this.#restLater(running);
    }
  }

  /** @throws `unavailable` when it has been disposed */
  checkOpen(): void {
    if (this.#disposal !== null) throw this.#options.unavailable('it has been closed');
  }

  /**
   * Waits for calls in progress, closes what the thread holds and ends it.
   *
   * @throws ImageSearchError when it couldn't be closed; the thread has ended in any case
   */
  dispose(): Promise<void> {
    clearTimeout(this.#rest);
    this.#disposal ??= Promise.all([this.#running?.end(), this.#ending]).then(() => undefined);
    return this.#disposal;
  }

  #start(): RunningThread {
    const started = new RunningThread(this.#options, () => {
      if (this.#running === started) this.#running = null;
    });
    return started;
  }

  #restLater(running: RunningThread): void {
    const { restAfterMs } = this.#options;
    if (restAfterMs === undefined || this.#disposal !== null || !running.isResting()) return;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      if (this.#running !== running || !running.isResting()) return;
      // A call in the meantime starts another one.
      this.#running = null;
      this.#ending = running.end().catch(() => undefined);
    }, restAfterMs).unref();
  }
}

interface PendingCall {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

class RunningThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;

  constructor(options: ThreadOptions, onExit: () => void) {
    const { program, name, onNotice, unavailable } = options;
    const { file, execArgv } = program;
    this.#worker = new Worker(file, { workerData: options.workerData(), execArgv, name });
    this.#worker.unref();
    this.#worker.on('message', (message: Message) => {
      if (message.kind === 'notice') onNotice?.(message.notice);
      else this.#settle(message);
    });
    let crash: Error | undefined;
    this.#worker.on('error', (error) => (crash = error));
    this.#worker.on('exit', () => {
      onExit();
      const error = unavailable('its thread crashed and restarts at the next call', crash);
      for (const call of this.#pending.values()) call.reject(error);
      this.#pending.clear();
    });
  }

  isResting(): boolean {
    return this.#pending.size === 0;
  }

  send(operation: PropertyKey, input: unknown, transfer: ArrayBuffer[]): Promise<unknown> {
    this.#lastId += 1;
    const request: Request = { id: this.#lastId, operation, input };
    return new Promise((resolve, reject) => {
      this.#worker.postMessage(request, transfer);
      this.#pending.set(request.id, { resolve, reject });
      this.#worker.ref();
    });
  }

  async end(): Promise<void> {
    try {
      await this.send('close', null, []);
    } finally {
      await this.#worker.terminate();
    }
  }

  #settle(message: Exclude<Message, { kind: 'notice' }>): void {
    const call = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (message.kind === 'result') call?.resolve(message.result);
    else call?.reject(new ImageSearchError(message.failure));
  }
}
