import { ApiFailure } from '../../api/failure';
import type { Text } from '../../hooks/text';

/** Why something was not done, in the words of whoever wanted it. */
export function failureText(failure: unknown, text: Text): string {
  if (!(failure instanceof ApiFailure)) return text('common.failure.title');
  if (failure.status === 404 || failure.status === 409) return text('duplicates.failure.conflict');
  if (failure.code === 'forbidden') return text('duplicates.failure.forbidden');
  if (failure.code === 'network') return text('common.failure.network');
  if (failure.code === 'unknown-answer') return text('common.failure.answer');
  return failure.message;
}

export function isForbidden(failure: unknown): boolean {
  return failure instanceof ApiFailure && failure.code === 'forbidden';
}
