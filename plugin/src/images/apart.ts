import { execFile, type ExecFileException } from 'node:child_process';
import { abortedError, ImageSearchError } from '../errors';
import { resolveWorker } from '../workers';
import { tookTooLong, tooLarge, unreadable } from './header';

const MEGABYTE = 1024 * 1024;
const MAX_OUTPUT_BYTES = 256 * MEGABYTE;
const GRACE_MS = 5_000;
/** What ends a process that a file made crash, by overflowing the stack for example. */
const crashes: ReadonlySet<unknown> = new Set([
  'SIGSEGV',
  'SIGABRT',
  'SIGBUS',
  'SIGILL',
  'SIGTRAP',
]);

export interface ApartOptions {
  worker: 'drawing' | 'heic' | 'pdf';
  order: object;
  /** If the order has this limit. */
  maxPixels?: number;
  timeoutMs: number;
  maxMemoryMegabytes: number;
  /** What is decoded, such as `the SVG document`. */
  what: string;
  signal?: AbortSignal | undefined;
}

/**
 * Has a process of its own turn a file into a PNG file. The process ends itself when it takes too long or uses too much
 * memory, which costs about a tenth of a second per file.
 */
export function decodeApart(bytes: Uint8Array, options: ApartOptions): Promise<Buffer> {
  const { maxMemoryMegabytes, order, timeoutMs, worker } = options;
  const limits: ProcessLimits = { timeoutMs, maxMemoryBytes: maxMemoryMegabytes * MEGABYTE };
  const { file, execArgv } = resolveWorker(worker);
  return new Promise((resolve, reject) => {
    const decoding = execFile(
      process.execPath,
      [...execArgv, file, JSON.stringify({ ...order, ...limits })],
      {
        encoding: 'buffer',
        maxBuffer: MAX_OUTPUT_BYTES,
        windowsHide: true,
        // The process watches itself, unless its event loop is stuck.
        timeout: timeoutMs + GRACE_MS,
        killSignal: 'SIGKILL',
        ...(options.signal && { signal: options.signal }),
      },
      (error, output) => {
        if (error === null) resolve(output);
        else if (options.signal?.aborted) reject(abortedError(options.signal.reason));
        else reject(failureOf(error, output, options));
      },
    );
    // If the process exits before it has read everything, its output tells why; ignore the broken pipe.
    decoding.stdin?.on('error', () => undefined).end(bytes);
  });
}

function failureOf(
  error: ExecFileException,
  output: Buffer,
  { maxMemoryMegabytes, maxPixels, timeoutMs, what }: ApartOptions,
): ImageSearchError {
  const report = parseReport(output);
  const cause = report === null ? error : new Error(report.message);
  switch (report?.failure) {
    case 'not-an-image':
      return unreadable("the file isn't an image", cause);
    case 'damaged':
      return unreadable(`${what} is damaged`, cause);
    case 'encrypted':
      return new ImageSearchError({
        code: 'image-unsupported',
        message: `The file can't be read: ${what} needs a password. Replace it with one that doesn't.`,
        retryable: false,
        cause,
      });
    case 'timeout':
      return tookTooLong(timeoutMs, cause);
    case 'too-many-pixels':
      return tooLarge(cause.message, `${String(maxPixels)} pixels`);
    case 'out-of-memory': {
      const most = `${String(maxMemoryMegabytes)} MB of memory`;
      return tooLarge(`decoding ${what} takes more than ${most}`, most, cause);
    }
    case undefined:
      if (error.killed) return tookTooLong(timeoutMs, error);
      if (crashes.has(error.signal)) return unreadable(`${what} is damaged`, error);
      return new ImageSearchError({
        code: 'unexpected',
        message: `The process that decodes ${what} exited without a result.`,
        retryable: true,
        cause,
      });
  }
}

/** Returns null when the process was killed from outside. */
function parseReport(output: Buffer): DecodingReport | null {
  try {
    return JSON.parse(output.toString()) as DecodingReport;
  } catch {
    return null;
  }
}

/*
 * Protocol of the reader and such a process. Input: an order with its limits as JSON in the first argument, the file on
 * standard input. Output on standard output: a PNG file, or a report as JSON. Standard error is ignored, because native
 * libraries write warnings to it.
 */

export interface ProcessLimits {
  timeoutMs: number;
  /** Limit of the process's resident memory, some 70 MB of which it needs to start. */
  maxMemoryBytes: number;
}

export type DecodingFailure =
  'not-an-image' | 'damaged' | 'encrypted' | 'timeout' | 'out-of-memory' | 'too-many-pixels';

export interface DecodingReport {
  failure: DecodingFailure;
  /** The decoder's message. */
  message: string;
}
