export interface FetchOptions {
  maxBytes: number;
  /** For the whole download, in milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Downloads files without exposing the network that this server runs in (SSRF): only http and https, only public
 * addresses unless the host is listed, checked after DNS resolution when connecting and again on every redirect, with
 * limits on bytes and time. Compressed responses are returned as they are.
 */
export interface GuardedFetch {
  /** @throws FetchError, or the signal's reason when aborted */
  fetchBytes(url: string, options: FetchOptions): Promise<Uint8Array>;
  /** Ends downloads in progress. */
  dispose(): Promise<void>;
}
