export type FetchFailure =
  /** Not http(s), no valid URL, or an address that may not be asked. */
  | 'refused'
  /** The other side says that there is nothing. */
  | 'missing'
  | 'too-large'
  /** What the other side has is of a type that is not wanted. */
  | 'wrong-type'
  /** No answer in time, a broken connection, or an answer that is no success. */
  | 'unreachable';

/** A download that did not work; the message names the host alone, because URLs may be signed. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  constructor(
    readonly failure: FetchFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface FetchOptions {
  maxBytes: number;
  /** For the whole download, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Downloads bytes without becoming a door to the network it runs in: only http and https, only addresses of the
 * public internet unless the host is listed, checked after DNS resolution at the moment of connecting (so that a name
 * cannot change its mind in between) and again on every redirect; with a limit on bytes and on time. Bytes are never
 * unpacked: what is sent packed is answered packed.
 */
export interface GuardedFetch {
  /** @throws FetchError, or the signal's reason when aborted */
  fetchBytes(url: string, options: FetchOptions): Promise<Uint8Array>;
  /** Ends what is under way. */
  dispose(): Promise<void>;
}
