import { Worker } from 'node:worker_threads';
import { abortedError, ImageSearchError } from '../errors';
import type { ImageTracer, TracedRaster } from '../images/contract';
import type { DetailMeasure, DetailRequest } from '../matching/copy-quality';
import type { PixelComparison, Pixels, PlacedPixels } from '../matching/pixel-comparison';
import { resolveWorker } from '../workers';
import type { CandidateJudging, JudgingTask } from './candidate-judging';
import type { DuplicateMatch } from './contract';

export type PixelTask =
  | { kind: 'compare'; images: PlacedPixels }
  | { kind: 'measure'; images: DetailRequest }
  | { kind: 'trace'; raster: TracedRaster }
  | { kind: 'judge'; task: JudgingTask };

export interface PixelRequest {
  id: number;
  task: PixelTask;
}

type Traced = Awaited<ReturnType<ImageTracer>>;

export interface PixelReply {
  id: number;
  /** A message when the arithmetic failed: with the same task, it would again. */
  result: PixelComparison | DetailMeasure | Traced | DuplicateMatch[] | { fault: string };
}

/** The thread ends when it has nothing to do for this long. */
const IDLE_MS = 20_000;

/**
 * Arithmetic on pixels in a thread of its own, so that the event loop stays free. The thread starts with the first task
 * and ends when idle.
 */
export class PixelWorker {
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | null = null;
  #lastId = 0;
  #isStopped = false;
  readonly #pending = new Map<
    number,
    { worker: Worker; resolve: (result: never) => void; reject: (error: Error) => void }
  >();

  /** Takes the pixels over. */
  readonly compare = (images: PlacedPixels): Promise<PixelComparison> =>
    this.#do({ kind: 'compare', images }, buffersOf([images.outer, images.inner]));

  /** Takes the pixels over. */
  readonly measure = (images: DetailRequest): Promise<DetailMeasure> =>
    this.#do(
      { kind: 'measure', images },
      buffersOf('larger' in images ? [images.larger] : [images.one, images.other]),
    );

  /** With everything derived from it. */
  readonly trace: ImageTracer = ({ black, white, ...raster }) => {
    // Own copies, because they are handed over: others still use these.
    const copies = { white: new Uint8Array(white), black: black && new Uint8Array(black) };
    const buffers = [copies.white.buffer, ...(copies.black ? [copies.black.buffer] : [])];
    return this.#do({ kind: 'trace', raster: { ...raster, ...copies } }, buffers);
  };

  readonly judge: CandidateJudging = (task) => this.#do({ kind: 'judge', task }, []);

  #do<Result>(task: PixelTask, buffers: readonly ArrayBuffer[]): Promise<Result> {
    if (this.#isStopped) return Promise.reject(abortedError());
    if (this.#idle) clearTimeout(this.#idle);
    const worker = (this.#worker ??= this.#start());
    this.#lastId += 1;
    const request: PixelRequest = { id: this.#lastId, task };
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { worker, resolve, reject });
      worker.ref();
      worker.postMessage(request, [...buffers]);
    });
  }

  /** For good. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#idle) clearTimeout(this.#idle);
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const { execArgv, file } = resolveWorker('pixels');
    const worker = new Worker(file, { execArgv, name: 'pixels' });
    worker.unref();
    worker.on('message', ({ id, result }: PixelReply) => {
      const call = this.#pending.get(id);
      this.#pending.delete(id);
      if (this.#pending.size === 0) this.#rest(worker);
      if ('fault' in result) call?.reject(new TypeError(result.fault));
      else call?.resolve(result as never);
    });
    let crash: Error | undefined;
    worker.on('error', (error) => (crash = error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = null;
      // While an idle thread ends, the next one may have calls.
      for (const [id, call] of this.#pending) {
        if (call.worker !== worker) continue;
        this.#pending.delete(id);
        call.reject(endedError(crash));
      }
    });
    return worker;
  }

  #rest(worker: Worker): void {
    worker.unref();
    this.#idle = setTimeout(() => {
      this.#worker = null;
      void worker.terminate();
    }, IDLE_MS).unref();
  }
}

function buffersOf(images: readonly Pixels[]): ArrayBuffer[] {
  return images.map(({ data }) => data.buffer as ArrayBuffer);
}

function endedError(cause: Error | undefined): ImageSearchError {
  return new ImageSearchError({
    code: 'unexpected',
    message: 'The thread that works on pixels ended.',
    retryable: true,
    cause,
  });
}
