import type { Core } from '@strapi/strapi';
import type { AdminCredentials } from './strapi-client';

/** One permission of an administrator's role, as Strapi stores it. */
export interface RolePermission {
  /** `plugin::image-search.search`, `plugin::upload.read` … */
  action: string;
  subject?: string | null;
  /** `admin::is-creator` … */
  conditions?: string[];
  properties?: Record<string, unknown>;
}

/** Lets everybody call these actions of the content API, for example `plugin::image-search.search.find`. */
export async function grantPublic(strapi: Core.Strapi, actions: readonly string[]): Promise<void> {
  const role = await strapi.db
    .query('plugin::users-permissions.role')
    .findOne({ where: { type: 'public' } });
  const permissions = strapi.db.query('plugin::users-permissions.permission');
  for (const action of actions) {
    const data = { action, role: (role as { id: number }).id };
    if (!(await permissions.findOne({ where: data }))) await permissions.create({ data });
  }
}

/** A super administrator, unless that account is there already. */
export async function ensureSuperAdmin(
  strapi: Core.Strapi,
  credentials: AdminCredentials,
): Promise<void> {
  const users = strapi.service('admin::user') as AdminUsers;
  if (await users.exists({ email: credentials.email })) return;
  const role = await (strapi.service('admin::role') as AdminRoles).getSuperAdmin();
  await users.create({ ...accountOf(credentials, 'Demo'), roles: [role.id] });
}

/** An administrator who may do only this, through a role of their own. */
export async function createRestrictedAdmin(
  strapi: Core.Strapi,
  { permissions, ...credentials }: AdminCredentials & { permissions: readonly RolePermission[] },
): Promise<{ id: number; roleId: number }> {
  const roles = strapi.service('admin::role') as AdminRoles;
  const role = await roles.create({ name: `Role of ${credentials.email}`, description: '' });
  await roles.assignPermissions(
    role.id,
    permissions.map(({ action, subject = null, conditions = [], properties = {} }) => ({
      action,
      subject,
      conditions,
      properties,
    })),
  );
  const users = strapi.service('admin::user') as AdminUsers;
  const user = await users.create({ ...accountOf(credentials, 'Restricted'), roles: [role.id] });
  return { id: user.id, roleId: role.id };
}

/** An API token's secret; `custom` tokens may do what `permissions` lists. */
export async function createApiToken(
  strapi: Core.Strapi,
  token:
    | { name: string; type: 'read-only' | 'full-access' }
    | { name: string; type: 'custom'; permissions: readonly string[] },
): Promise<string> {
  const tokens = strapi.service('admin::api-token') as ApiTokens;
  const { accessKey } = await tokens.create({ description: '', lifespan: null, ...token });
  return accessKey;
}

function accountOf({ email, password }: AdminCredentials, lastname: string) {
  return {
    email,
    password,
    firstname: 'Image Search',
    lastname,
    isActive: true,
    registrationToken: null,
  };
}

/** The parts of Strapi's admin services that are used here; Strapi does not type them. */
interface AdminUsers {
  exists(where: { email: string }): Promise<boolean>;
  create(user: ReturnType<typeof accountOf> & { roles: number[] }): Promise<{ id: number }>;
}

interface AdminRoles {
  getSuperAdmin(): Promise<{ id: number }>;
  create(role: { name: string; description: string }): Promise<{ id: number }>;
  assignPermissions(
    roleId: number,
    permissions: readonly Required<RolePermission>[],
  ): Promise<unknown>;
}

interface ApiTokens {
  create(token: {
    name: string;
    description: string;
    lifespan: null;
    type: string;
    permissions?: readonly string[];
  }): Promise<{ accessKey: string }>;
}
