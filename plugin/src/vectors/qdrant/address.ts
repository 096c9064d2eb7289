const DEFAULT_PORT = 6333;

/** Where Qdrant is, as its client wants to be told. */
export interface Address {
  /** Scheme, host and port. */
  origin: string;
  port: number;
  /** Path in front of every request, beginning with a slash; empty for none. */
  prefix: string;
  /** The whole, for messages. */
  text: string;
}

/**
 * Takes apart what the client would read otherwise than it is written: it drops the path of a URL, and takes a port
 * that is the scheme's own (`https://host:443`) for none, so that it would go to 6333.
 *
 * @param url valid, without user, password, query and fragment
 */
export function parseAddress(url: string): Address {
  const { protocol, hostname, port, pathname } = new URL(url);
  const authority = /^[a-z]+:[/\\]*([^/\\]*)/i.exec(url.trim())?.[1] ?? '';
  const written = /:(\d+)$/.exec(authority)?.[1];
  const number = Number(port || written || DEFAULT_PORT);
  const origin = `${protocol}//${hostname}:${String(number)}`;
  const prefix = pathname.replace(/\/+$/, '');
  return { origin, port: number, prefix, text: origin + prefix };
}
