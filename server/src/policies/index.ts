interface AdminContext {
  state: { userAbility?: { can(action: string): boolean } };
}

export const policies = {
  /** What `admin::hasPermissions` is for all of some actions, this is for one of them. */
  'has-any-action': (
    { state }: AdminContext,
    { actions }: { actions: readonly string[] },
  ): boolean => actions.some((action) => state.userAbility?.can(action) ?? false),
};
