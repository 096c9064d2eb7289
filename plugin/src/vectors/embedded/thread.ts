import { parentPort, workerData } from 'node:worker_threads';
import { toImageSearchError } from '../../errors';
import { createEngine } from './engine';
import type {
  OperationHandlers,
  OperationName,
  ThreadFailure,
  ThreadMessage,
  ThreadOptions,
  ThreadRequest,
} from './protocol';

/** Entry of the worker thread that owns the vector file. Answers requests in order. */
function serve(options: ThreadOptions): void {
  const send = (message: ThreadMessage, transfer: ArrayBuffer[] = []) =>
    parentPort?.postMessage(message, transfer);
  const engine = createEngine({
    ...options,
    report: (notice) => send({ kind: 'notice', notice }),
  });
  parentPort?.on('message', (request: ThreadRequest) => {
    const message = answer(engine, request);
    send(message, transferablesOf(message));
  });
}

function answer<Name extends OperationName>(
  engine: OperationHandlers,
  { id, operation, input }: ThreadRequest<Name>,
): ThreadMessage {
  try {
    return { kind: 'result', id, result: engine[operation](input) };
  } catch (error) {
    return { kind: 'failure', id, failure: toFailure(error) };
  }
}

function toFailure(error: unknown): ThreadFailure {
  const { code, message, retryable, cause } = toImageSearchError(error);
  return { code, message, retryable, cause };
}

function transferablesOf(message: ThreadMessage): ArrayBuffer[] {
  if (message.kind !== 'result') return [];
  const { result } = message;
  return typeof result === 'object' && result !== null && 'vectors' in result
    ? [result.vectors.buffer]
    : [];
}

serve(workerData as ThreadOptions);
