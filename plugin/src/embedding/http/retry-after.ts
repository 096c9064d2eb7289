/** No server is believed further ahead than this: a wrong clock must not park the queue for days. */
const LONGEST_WAIT_MS = 3_600_000;

/**
 * Milliseconds to wait as the server asks for it: `retry-after-ms` (OpenAI's) before `Retry-After` in seconds or as a
 * date (RFC 9110, section 10.2.3). Between 0 and an hour; undefined when the server names no time.
 */
export function parseRetryAfter(headers: Headers, now: number): number | undefined {
  const waitMs =
    parseNumber(headers.get('retry-after-ms')) ??
    toMilliseconds(parseNumber(headers.get('retry-after'))) ??
    parseDate(headers.get('retry-after'), now);
  return limitWait(waitMs);
}

/** Between 0 and an hour. */
export function limitWait(waitMs: number | undefined): number | undefined {
  return waitMs === undefined ? undefined : Math.min(Math.max(0, waitMs), LONGEST_WAIT_MS);
}

function parseNumber(value: string | null): number | undefined {
  return value !== null && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined;
}

function toMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

function parseDate(value: string | null, now: number): number | undefined {
  // Date.parse takes nearly anything; an HTTP date starts with the name of a day.
  if (value === null || !/^\s*[A-Z][a-z]{2}/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time - now;
}
