import { useRBAC } from '@strapi/strapi/admin';
import { adminActions, type AdminAction } from '../../../plugin/src/contracts/identity';

const permissions = Object.values(adminActions).map((action) => ({ action, subject: null }));

/** What the user's role may do, and whether that is known yet. */
export function useImageSearchPermissions(): {
  isLoading: boolean;
  may: Record<AdminAction, boolean>;
} {
  const { allowedActions, isLoading } = useRBAC(permissions);
  const { canSearch = false, canDuplicates = false, canManage = false } = allowedActions;
  return { isLoading, may: { search: canSearch, duplicates: canDuplicates, manage: canManage } };
}
