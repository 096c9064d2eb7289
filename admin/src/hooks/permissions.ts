import { useAuth } from '@strapi/strapi/admin';
import { adminActions, type AdminAction } from '../../../plugin/src/contracts/identity';

/** What the user's role may do in this plugin. */
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

/** What the user's role may do in the Media Library; nothing while that is loading. */
export function useLibraryPermissions() {
  const { allowed } = useAllowedActions(wantedLibraryActions);
  return {
    /** Move, change and delete files. */
    canChange: allowed.has(libraryActions.update),
    canDownload: allowed.has(libraryActions.download),
    canCopyLink: allowed.has(libraryActions.copyLink),
  };
}

/** Whether the role may merge files at all, as far as the panel can tell; the server knows which ones. */
export function useCanMergeFiles(): boolean {
  const { allowed, isLoading } = useAllowedActions(wantedLibraryActions);
  return isLoading || allowed.has(libraryActions.update);
}

const ownActions = Object.values(adminActions);

const libraryActions = {
  /** Moves, changes and deletes files. */
  update: 'plugin::upload.assets.update',
  download: 'plugin::upload.assets.download',
  copyLink: 'plugin::upload.assets.copy-link',
};

const wantedLibraryActions = Object.values(libraryActions);

/**
 * Which of these actions the role has. Strapi's `useRBAC` can't tell: called before the permissions have loaded, it
 * denies them and never asks again.
 */
function useAllowedActions(actions: readonly string[]): {
  isLoading: boolean;
  allowed: ReadonlySet<string>;
} {
  const isLoading = useAuth('useAllowedActions', (state) => state.isLoading);
  const permissions = useAuth('useAllowedActions', (state) => state.permissions);
  const own = new Set(permissions.map(({ action }) => action));
  return { isLoading, allowed: new Set(actions.filter((action) => own.has(action))) };
}
