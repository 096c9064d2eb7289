import { useAuth } from '@strapi/strapi/admin';
import { useEffect } from 'react';
import { useLocation, useNavigate } from 'react-router-dom';
import { PLUGIN_ID } from '../../../plugin/src/contracts/identity';

/** @returns the id of who is signed in; undefined while that is unknown */
export function useUserId() {
  return useAuth('useUserId', ({ user }) => user?.id);
}

const PLACE_KEY = `${PLUGIN_ID}.place`;
/** Who signs in later begins at home. */
const KEPT_FOR_MS = 30 * 60_000;
/** A server that refuses a fresh session would make the page load forever. */
const LEAST_BETWEEN_MS = 30_000;

/** After a sign-in, which may end on the home page, goes back to where the session had ended. */
export function useReturn(): void {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const userId = useUserId();
  useEffect(() => {
    if (userId === undefined || pathname.startsWith('/auth')) return;
    const place = takePlace(userId);
    if (place !== null && pathname === '/') navigate(place, { replace: true });
  }, [navigate, pathname, userId]);
}

/**
 * Where the user's session ended, for `useReturn` of the same user. Returns false if this has happened a moment ago, or if the browser stores nothing.
 */
export function rememberPlace(address: string, userId: number | string): boolean {
  try {
    const last = Number(sessionStorage.getItem(`${PLACE_KEY}.at`));
    if (Date.now() - last < LEAST_BETWEEN_MS) return false;
    sessionStorage.setItem(`${PLACE_KEY}.at`, String(Date.now()));
    sessionStorage.setItem(PLACE_KEY, address);
    sessionStorage.setItem(`${PLACE_KEY}.user`, String(userId));
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

function takePlace(userId: number | string): string | null {
  try {
    const place = sessionStorage.getItem(PLACE_KEY);
    const isOwn = sessionStorage.getItem(`${PLACE_KEY}.user`) === String(userId);
    const at = Number(sessionStorage.getItem(`${PLACE_KEY}.at`));
    // While the page loads again, the session's end isn't known yet.
    const isOwnPage = window.location.pathname.includes(`/plugins/${PLUGIN_ID}`);
    if (place === null || isOwnPage) return null;
    sessionStorage.removeItem(PLACE_KEY);
    return isOwn && Date.now() - at < KEPT_FOR_MS ? place : null;
  } catch {
    return null;
  }
}
