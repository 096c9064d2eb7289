import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { abortedError, ImageSearchError } from '../errors';
import { detectPackageManager } from '../package-manager';
import { LONGEST_FIELD } from '../text/contract';
import { resolveWorker } from '../workers';
import { tookTooLong, tooLarge } from './header';

/** The package that recognizes text, with Tesseract in WebAssembly, and those with what it knows of languages. */
const OCR_READER = 'tesseract.js';
const OCR_READER_TO_INSTALL = `${OCR_READER}@7`;
const languagePackage = (language: string): string => `@tesseract.js-data/${language}`;
/** Folders of such a package: that with smaller and faster data first. */
const DATA_FOLDERS = ['4.0.0_best_int', '4.0.0'];

const MAX_MEMORY_MEGABYTES = 1_024;
/** Starting it takes some seconds, and three languages about 200 MB. */
const IDLE_MS = 2 * 60_000;

/** What recognizes text in a project, a description for messages included; the reader itself and a file for each language. */
export interface TextReaderFiles {
  /** Absolute path of the reader's entry. */
  reader: string;
  /** Data of languages, each a gzip file. */
  languages: { code: string; file: string }[];
}

/** @returns the files, or why text can't be recognized: an `image-decoder-missing` that names every missing package */
export function findTextReader(
  projectFolder: string,
  languages: readonly string[],
): TextReaderFiles | ImageSearchError {
  const require = createRequire(path.join(projectFolder, 'package.json'));
  const resolve = (name: string): string | null => {
    try {
      return require.resolve(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return null;
      throw error;
    }
  };
  const reader = resolve(OCR_READER);
  const found = languages.map((code) => {
    const entry = resolve(languagePackage(code));
    const files = DATA_FOLDERS.map((folder) =>
      path.join(path.dirname(entry ?? ''), folder, `${code}.traineddata.gz`),
    );
    return { code, file: (entry !== null && files.find((file) => existsSync(file))) || null };
  });
  const missing = [
    ...(reader === null ? [OCR_READER_TO_INSTALL] : []),
    ...found.flatMap(({ code, file }) => (file === null ? [languagePackage(code)] : [])),
  ];
  if (reader === null || missing.length > 0) return missingError(projectFolder, missing);
  return { reader, languages: found.map(({ code, file }) => ({ code, file: file ?? '' })) };
}

function missingError(projectFolder: string, packages: readonly string[]): ImageSearchError {
  const install = detectPackageManager(projectFolder).install(packages.join(' '));
  const [are, named] = packages.length === 1 ? ['package', 'is'] : ['packages', 'are'];
  return new ImageSearchError({
    code: 'image-decoder-missing',
    message: `Text in images can't be read, because the ${are} ${packages.join(', ')} ${named} missing. Run "${install}" in the Strapi project and restart it, or remove the language from ocr.languages.`,
  });
}

export interface TextRecognizerOptions {
  projectFolder: string;
  /** Codes as Tesseract has them; at least one. */
  languages: readonly string[];
  /** For one image. */
  timeoutMs: number;
}

/**
 * Recognizes text in images, one at a time, in a process of its own at low priority: it starts with the first image, is
 * replaced when it dies or takes too long or too much memory, and ends when it has had nothing to do for a while.
 */
export class TextRecognizer {
  readonly #options: TextRecognizerOptions;
  #process: ChildProcess | null = null;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(options: TextRecognizerOptions) {
    this.#options = options;
  }

  /** What texts depend on: with another one, images are read again. */
  get id(): string {
    return `tesseract-1:${this.#options.languages.join('+')}`;
  }

  /** Null while the process isn't running. */
  get processId(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Why nothing can be recognized; null if it can. */
  problem(): ImageSearchError | null {
    const { languages, projectFolder } = this.#options;
    const found = findTextReader(projectFolder, languages);
    return found instanceof ImageSearchError ? found : null;
  }

  /**
   * The words that are probably in the image, on one line; empty if there are none. Wait for one before the next.
   *
   * @param image a JPEG or PNG file
   * @throws ImageSearchError `image-decoder-missing`, `image-unreadable`, `image-too-large`, `aborted`, or `unexpected`
   * (retryable) when the process died
   */
  async recognize(image: Uint8Array, signal?: AbortSignal): Promise<string> {
    if (signal?.aborted) throw abortedError(signal.reason);
    this.#stayBusy();
    const child = this.#process ?? this.#start();
    try {
      const answer = await this.#ask(child, image, signal);
      if ('text' in answer) return answer.text;
      throw failureOf(answer);
    } catch (error) {
      // Whatever went wrong, the next image gets another process.
      this.#end(child);
      throw error;
    } finally {
      this.#endWhenIdle();
    }
  }

  #ask(child: ChildProcess, image: Uint8Array, signal?: AbortSignal): Promise<OcrAnswer> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const fail = (error: ImageSearchError): void => {
        settle();
        reject(error);
      };
      const timer = setTimeout(() => {
        fail(tookTooLong(timeoutMs, new Error('Recognizing text took too long.')));
      }, timeoutMs);
      const onAbort = (): void => {
        fail(abortedError(signal?.reason));
      };
      const onError = (error: Error): void => {
        fail(diedError(error));
      };
      const onExit = (_code: number | null, killedBy: string | null): void => {
        fail(diedError(new Error(`It was ended by ${killedBy ?? 'itself'}.`)));
      };
      const onAnswer = (answer: OcrAnswer): void => {
        settle();
        resolve(answer);
      };
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        child.off('message', onAnswer).off('error', onError).off('exit', onExit);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      child.on('message', onAnswer).on('error', onError).on('exit', onExit);
      child.send({ image } satisfies OcrRequest, (error) => {
        if (error) onError(error);
      });
    });
  }

  stop(): void {
    this.#stayBusy();
    if (this.#process) this.#end(this.#process);
  }

  #start(): ChildProcess {
    const { languages, projectFolder } = this.#options;
    const files = findTextReader(projectFolder, languages);
    if (files instanceof ImageSearchError) throw files;
    const { execArgv, file } = resolveWorker('ocr');
    const order: OcrOrder = {
      ...files,
      maxMemoryBytes: MAX_MEMORY_MEGABYTES * 1024 * 1024,
      maxTextLength: LONGEST_FIELD,
    };
    const child = fork(file, [JSON.stringify(order)], {
      execArgv,
      serialization: 'advanced',
      // Tesseract writes warnings.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.once('exit', () => {
      if (this.#process === child) this.#process = null;
    });
    // Of a process that was replaced.
    child.on('error', () => undefined);
    this.#process = child;
    return child;
  }

  #end(child: ChildProcess): void {
    if (this.#process === child) this.#process = null;
    child.kill('SIGKILL');
  }

  #stayBusy(): void {
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    this.#idleTimer = null;
    this.#process?.ref();
    this.#process?.channel?.ref();
  }

  /** While idle, it doesn't keep the server's process alive. */
  #endWhenIdle(): void {
    this.#process?.unref();
    this.#process?.channel?.unref();
    this.#idleTimer = setTimeout(() => {
      this.stop();
    }, IDLE_MS).unref();
  }
}

function failureOf({ failure, message }: OcrFailure): ImageSearchError {
  const most = `${String(MAX_MEMORY_MEGABYTES)} MB of memory`;
  if (failure === 'out-of-memory') {
    return tooLarge(`recognizing its text takes more than ${most}`, most, new Error(message));
  }
  if (failure === 'not-opened') return notOpenedError(new Error(message));
  return new ImageSearchError({
    code: 'image-unreadable',
    message: `The text in the image can't be read: ${message}`,
    retryable: false,
  });
}

/** Whichever image it is: nothing can be read until that is mended. */
function notOpenedError(cause: Error): ImageSearchError {
  return new ImageSearchError({
    code: 'unexpected',
    message: `The reader of text in images can't be opened: ${cause.message}`,
    retryable: true,
    cause,
  });
}

function diedError(cause: Error): ImageSearchError {
  return new ImageSearchError({
    code: 'unexpected',
    message: `The process that reads text in images ended without a result: ${cause.message}`,
    retryable: true,
    cause,
  });
}

/*
 * Protocol of the recognizer and its process: the order as JSON in the first argument, then one answer for each request.
 */

export interface OcrOrder extends TextReaderFiles {
  maxMemoryBytes: number;
  maxTextLength: number;
}

export interface OcrRequest {
  image: Uint8Array;
}

export interface OcrFailure {
  /** `not-opened`: Tesseract or the data of a language can't be loaded, whichever image it is. */
  failure: 'out-of-memory' | 'unreadable' | 'not-opened';
  message: string;
}

export type OcrAnswer = { text: string } | OcrFailure;
