import { useEffect } from 'react';
import { useLocation, useNavigate } from 'react-router-dom';
import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';

const PLACE_KEY = `${PLUGIN_ID}.place`;
/** Who signs in later begins elsewhere. */
const KEPT_FOR_MS = 30 * 60_000;
/** A server that refuses a fresh session would make the page load forever. */
const LEAST_BETWEEN_MS = 30_000;

/** After a sign-in, which may end on the home page, goes back to where the session had ended. */
export function useReturn(): void {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  useEffect(() => {
    if (pathname.startsWith('/auth')) return;
    const place = takePlace();
    if (place !== null && pathname === '/') navigate(place, { replace: true });
  }, [navigate, pathname]);
}

/**
 * Where the session ended, for `useReturn`. Returns false if this has happened a moment ago, or if the browser stores nothing.
 */
export function rememberPlace(address: string): boolean {
  try {
    const last = Number(sessionStorage.getItem(`${PLACE_KEY}.at`));
    if (Date.now() - last < LEAST_BETWEEN_MS) return false;
    sessionStorage.setItem(`${PLACE_KEY}.at`, String(Date.now()));
    sessionStorage.setItem(PLACE_KEY, address);
    return true;
  } catch {
    return false;
  }
}

/** The session is fine again. */
export function forgetPlace(): void {
  try {
    sessionStorage.removeItem(PLACE_KEY);
  } catch {
    // Nothing is stored.
  }
}

function takePlace(): string | null {
  try {
    const place = sessionStorage.getItem(PLACE_KEY);
    const at = Number(sessionStorage.getItem(`${PLACE_KEY}.at`));
    // While the page loads again, the session's end isn't known yet.
    const isOwnPage = window.location.pathname.includes(`/plugins/${PLUGIN_ID}`);
    if (place === null || isOwnPage) return null;
    sessionStorage.removeItem(PLACE_KEY);
    return Date.now() - at < KEPT_FOR_MS ? place : null;
  } catch {
    return null;
  }
}
