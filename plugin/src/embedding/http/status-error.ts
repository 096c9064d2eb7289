import type { ErrorBody } from './error-body';

/** An answer with another status than 200. */
export class StatusError extends Error {
  override readonly name = 'StatusError';

  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly headers: Headers,
  ) {
    super(`Status ${String(status)}`);
  }
}

/** No answer, or the connection ended within it. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}
