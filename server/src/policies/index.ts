interface AdminContext {
  state: { userAbility?: { can(action: string): boolean } };
}

export const policies = {
  /** Like `admin::hasPermissions`, but requires only one of the actions. */
  'has-any-action': (
    { state }: AdminContext,
    { actions }: { actions: readonly string[] },
  ): boolean => actions.some((action) => state.userAbility?.can(action) ?? false),
};
