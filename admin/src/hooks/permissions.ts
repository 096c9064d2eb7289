import { useAuth } from '@strapi/strapi/admin';
import { adminActions, type AdminAction } from '../../../plugin/src/contracts/identity';

/**
 * Which of these actions the user's role has, and whether that is known yet. Not by Strapi's `useRBAC`: asked before the
 * permissions have arrived it says no, and stays with that.
 */
export function useAllowedActions(actions: readonly string[]): {
  isLoading: boolean;
  allowed: ReadonlySet<string>;
} {
  const isLoading = useAuth('useAllowedActions', (state) => state.isLoading);
  const permissions = useAuth('useAllowedActions', (state) => state.permissions);
  const own = new Set(permissions.map(({ action }) => action));
  return { isLoading, allowed: new Set(actions.filter((action) => own.has(action))) };
}

const ownActions = Object.values(adminActions);

/** What the user's role may do, and whether that is known yet. */
export function useImageSearchPermissions(): {
  isLoading: boolean;
  may: Record<AdminAction, boolean>;
} {
  const { allowed, isLoading } = useAllowedActions(ownActions);
  return {
    isLoading,
    may: {
      search: allowed.has(adminActions.search),
      duplicates: allowed.has(adminActions.duplicates),
      manage: allowed.has(adminActions.manage),
    },
  };
}
