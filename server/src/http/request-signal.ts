import type { Context } from 'koa';
import { timeoutReason } from '../../../plugin/src/abort';

/** Long enough to open the model and embed the query; downloading a model takes minutes. */
const DEADLINE_MS = 15_000;

/** Aborts with the given signal, or when the response takes too long. */
export function withinDeadline(signal: AbortSignal | undefined): AbortSignal {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  return signal ? AbortSignal.any([signal, deadline]) : deadline;
}

/** Aborts when the caller hangs up before the response. */
export function hangUpOf(ctx: Context): AbortSignal {
  const controller = new AbortController();
  ctx.res.once('close', () => {
    if (!ctx.res.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** Aborts when the caller hangs up before the response, or when the response takes too long. */
export function signalOf(ctx: Context): AbortSignal {
  const controller = new AbortController();
  const deadline = setTimeout(() => {
    controller.abort(timeoutReason('The search took too long.'));
  }, DEADLINE_MS);
  ctx.res.once('close', () => {
    clearTimeout(deadline);
  });
  return AbortSignal.any([hangUpOf(ctx), controller.signal]);
}
