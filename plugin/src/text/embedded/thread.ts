import { parentPort, workerData } from 'node:worker_threads';
import { toImageSearchError, type ImageSearchErrorOptions } from '../../errors';
import {
  createTextEngine,
  type TextEngineOptions,
  type TextHandlers,
  type TextOperations,
} from './engine';

export interface TextRequest<Name extends keyof TextOperations = keyof TextOperations> {
  id: number;
  operation: Name;
  input: TextOperations[Name]['input'];
}

export type TextResponse =
  { id: number; result: unknown } | { id: number; failure: ImageSearchErrorOptions };

/** Entry of the worker thread that owns the file of words. Answers requests in order. */
function serve(options: TextEngineOptions): void {
  const engine = createTextEngine(options);
  parentPort?.on('message', (request: TextRequest) => {
    parentPort?.postMessage(answer(engine, request));
  });
}

function answer<Name extends keyof TextOperations>(
  engine: TextHandlers,
  { id, operation, input }: TextRequest<Name>,
): TextResponse {
  try {
    return { id, result: engine[operation](input) };
  } catch (error) {
    const { cause, code, message, retryable } = toImageSearchError(error);
    return { id, failure: { code, message, retryable, cause } };
  }
}

serve(workerData as TextEngineOptions);
