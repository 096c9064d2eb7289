const NAME = 'TimeoutError';

/** Why a signal is aborted that ran out of time; as `AbortSignal.timeout` says it. */
export function timeoutReason(message: string): DOMException {
  return new DOMException(message, NAME);
}

/** Whether a signal is aborted because it ran out of time, and not because its owner gave up. */
export function isTimeout(signal: AbortSignal | undefined): boolean {
  const reason: unknown = signal?.reason;
  return reason instanceof DOMException && reason.name === NAME;
}
