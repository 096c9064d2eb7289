import type { Context } from 'koa';
import { timeoutReason } from '../../../plugin/src/deadline';

/** Opening the model and embedding the query; a model that is being downloaded takes minutes. */
const DEADLINE_MS = 15_000;

/** Aborted when the caller hangs up before the answer, or when that takes too long. */
export function signalOf(ctx: Context): AbortSignal {
  const controller = new AbortController();
  const deadline = setTimeout(() => {
    controller.abort(timeoutReason('The search took too long.'));
  }, DEADLINE_MS);
  ctx.res.once('close', () => {
    clearTimeout(deadline);
    if (!ctx.res.writableFinished) controller.abort();
  });
  return controller.signal;
}
