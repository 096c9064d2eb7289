import { writeSync } from 'node:fs';
import type { DecodingFailure, DecodingReport, ProcessLimits } from './apart';

/*
 * What processes that decode one file share; see apart.ts. Decoders run on other threads, so the timers here fire even if
 * those hang.
 */

const STANDARD_OUTPUT = 1;
const MEMORY_CHECK_MS = 10;

/** Returns the order, and ends the process when it exceeds its limits. */
export function readOrder(): unknown {
  const order = JSON.parse(process.argv[2] ?? '') as ProcessLimits;
  setTimeout(() => {
    fail('timeout');
  }, order.timeoutMs);
  setInterval(() => {
    if (process.memoryUsage.rss() > order.maxMemoryBytes) fail('out-of-memory');
  }, MEMORY_CHECK_MS);
  return order;
}

export function finish(png: Uint8Array): void {
  process.stdout.end(png, () => process.exit());
}

/** Kills the process, because a regular exit would wait for the other threads. */
export function fail(failure: DecodingFailure, error?: unknown): never {
  const message = error instanceof Error ? error.message : failure;
  writeSync(STANDARD_OUTPUT, JSON.stringify({ failure, message } satisfies DecodingReport));
  process.kill(process.pid, 'SIGKILL');
  throw new Error('not reached');
}
