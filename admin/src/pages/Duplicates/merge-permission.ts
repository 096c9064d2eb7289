import { useAllowedActions } from '../../hooks/permissions';

/** Strapi's one action for changing and for deleting files. */
const changeFiles = ['plugin::upload.assets.update'];

/** Whether the role may change files at all, which merging needs; which ones is known to the server alone. */
export function useMayChangeFiles(): boolean {
  const { allowed, isLoading } = useAllowedActions(changeFiles);
  return isLoading || allowed.size > 0;
}
