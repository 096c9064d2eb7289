import { LRUCache } from 'lru-cache';

/** Where the engine logs. Strapi's own logger fits; messages carry no secret, vector or image bytes. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Outages that are known at once; a message may hold figures that change. */
const MAX_OUTAGES = 100;

/**
 * Logs what makes everything fail, such as a missing model, once: again only when it changes, or when it comes back after
 * a recovery. In between it is logged for debugging.
 */
export class OutageLog {
  readonly #logger: Logger;
  readonly #known = new LRUCache<string, true>({ max: MAX_OUTAGES });

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** @param outage what identifies it; @param line what is logged */
  report(outage: string, line: string): void {
    this.#logger[this.#known.has(outage) ? 'debug' : 'error'](line);
    this.#known.set(outage, true);
  }

  recover(): void {
    this.#known.clear();
  }
}

/** Drops every message once the signal is aborted: work abandoned at shutdown may still fail, which is no news. */
export function mutedBy(signal: AbortSignal, logger: Logger): Logger {
  const unlessMuted = (level: keyof Logger) => (message: string) => {
    if (!signal.aborted) logger[level](message);
  };
  return {
    debug: unlessMuted('debug'),
    info: unlessMuted('info'),
    warn: unlessMuted('warn'),
    error: unlessMuted('error'),
  };
}
