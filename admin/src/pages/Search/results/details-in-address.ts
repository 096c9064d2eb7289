import { useCallback } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router-dom';
import * as z from 'zod';

const PARAMETER = 'details';

const stateSchema = z.object({ hasOpenedDetails: z.literal(true) });

/** Which image's details are open, kept in the page's address: the browser's Back closes them. */
export function useDetailsInAddress(): {
  /** Null for none. */
  id: number | null;
  open: (id: number) => void;
  /** Shows another image instead. */
  step: (id: number) => void;
  close: () => void;
} {
  const [parameters, setParameters] = useSearchParams();
  const state: unknown = useLocation().state;
  const navigate = useNavigate();
  const given = Number(parameters.get(PARAMETER));
  const id = Number.isInteger(given) && given > 0 ? given : null;
  const isOwnStep = stateSchema.safeParse(state).success;

  const show = useCallback(
    (next: number, replace: boolean) => {
      setParameters(
        (before) => {
          const after = new URLSearchParams(before);
          after.set(PARAMETER, String(next));
          return after;
        },
        // A second image takes the place of the first: Back leads to the results.
        { replace, state: replace ? state : { hasOpenedDetails: true } },
      );
    },
    [setParameters, state],
  );

  return {
    id,
    open: (next) => {
      show(next, id !== null);
    },
    step: (next) => {
      show(next, true);
    },
    close: () => {
      if (isOwnStep) {
        navigate(-1);
        return;
      }
      const after = new URLSearchParams(parameters);
      after.delete(PARAMETER);
      setParameters(after, { replace: true });
    },
  };
}
