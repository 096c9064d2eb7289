import type { Failure } from './protocol';

/** A failure that the model's process has already named; see `Failure`. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export function toFailure(error: unknown): Failure {
  if (error instanceof ModelError) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'unexpected',
    message: `The model failed: ${message}`,
    retryable: true,
    cause: error instanceof Error ? (error.stack ?? message) : message,
  };
}
