import { setTimeout as wait } from 'node:timers/promises';

const POLL_INTERVAL_MS = 50;

/** Reads again and again until what was read is as wanted; rejects with the last of it after `timeoutMs`. */
export async function pollUntil<Value>(
  read: () => Promise<Value>,
  isReached: (value: Value) => boolean,
  { intervalMs = POLL_INTERVAL_MS, timeoutMs = 60_000 } = {},
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isReached(value)) return value;
    if (Date.now() > deadline) {
      throw new Error(`Not reached after ${String(timeoutMs)} ms: ${JSON.stringify(value)}`);
    }
    await wait(intervalMs);
  }
}
