import type { Problem } from '../../../plugin/src/contracts/errors';

/** The columns `problem` and `problemCode` of work in the background; null for no problem. */
export function problemColumns(problem: Problem | null): {
  problem: string | null;
  problemCode: string | null;
} {
  return { problem: problem?.message ?? null, problemCode: problem?.code ?? null };
}

/** @param code null in rows of versions that stored none */
export function toProblem(message: string | null, code: Problem['code'] | null): Problem | null {
  return message === null ? null : { code: code ?? 'unexpected', message };
}
