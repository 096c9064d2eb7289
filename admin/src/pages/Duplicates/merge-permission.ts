import { useRBAC } from '@strapi/strapi/admin';

/** Strapi's one action for changing and for deleting files. */
const changeFiles = [{ action: 'plugin::upload.assets.update', subject: null }];

/** Whether the role may change files at all, which merging needs; which ones is known to the server alone. */
export function useMayChangeFiles(): boolean {
  const { allowedActions, isLoading } = useRBAC(changeFiles);
  return isLoading || allowedActions['canUpdate'] === true;
}
