import { useCallback } from 'react';
import { ApiFailure } from '../api/failure';
import { useText } from './text';

/** What a request failed with, for people: the server's own words where it has some. */
export function useFailureText(): (failure: unknown) => string {
  const text = useText();
  return useCallback(
    (failure) => {
      if (!(failure instanceof ApiFailure)) return text('common.failure.title');
      if (failure.code === 'network') return text('common.failure.network');
      if (failure.code === 'unknown-answer') return text('common.failure.answer');
      return failure.message;
    },
    [text],
  );
}
