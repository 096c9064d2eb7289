import { APIError } from 'openai';
import type { ErrorBody } from './error-body';

/** An answer with another status than 200. */
export class StatusError extends APIError<number, Headers, undefined> {
  constructor(
    status: number,
    readonly body: ErrorBody,
    headers: Headers,
  ) {
    super(status, undefined, undefined, headers);
  }
}
