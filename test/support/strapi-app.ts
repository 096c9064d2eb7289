import { lstat, mkdtemp, rm, symlink } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createStrapi, type Core } from '@strapi/strapi';
import { putFreshDatabase } from './fresh-database';
import { createApiToken, createRestrictedAdmin, grantPublic } from './strapi-accounts';
import { createStrapiClient, testAdministrator, type StrapiClient } from './strapi-client';
import { appFolder, createAppEnvironment, type AppSettings } from './strapi-environment';

/** Without a data folder, the app gets a temporary one, which is deleted when it stops. */
export type StartOptions = Omit<AppSettings, 'dataFolder'> & {
  dataFolder?: string;
  /** Another app than the shared one, which has no content types. */
  folder?: string;
  /** Whether the built panel (see admin-panel.ts) is served under /admin. */
  servesPanel?: boolean;
};

/** A Strapi in this process; one at a time, because Strapi is a global of its process. */
export interface StrapiApp extends StrapiClient {
  readonly strapi: Core.Strapi;
  readonly dataFolder: string;
  grantPublic(actions: readonly string[]): Promise<void>;
  createApiToken(token: Parameters<typeof createApiToken>[1]): Promise<string>;
  createRestrictedAdmin(
    admin: Parameters<typeof createRestrictedAdmin>[1],
  ): ReturnType<typeof createRestrictedAdmin>;
  /** May be called twice. */
  stop(): Promise<void>;
}

/** Boots the app, listening on a free port of the loopback interface, with the super administrator registered. */
export async function startStrapi(options: StartOptions = {}): Promise<StrapiApp> {
  const dataFolder = options.dataFolder ?? (await createDataFolder());
  const restoreEnvironment = setEnvironment(createAppEnvironment({ ...options, dataFolder }));
  const cleanUp = async (): Promise<void> => {
    restoreEnvironment();
    if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true });
  };
  try {
    const strapi = await boot(options.folder ?? appFolder, options.servesPanel ?? false);
    const { port } = strapi.server.httpServer.address() as AddressInfo;
    const client = createStrapiClient(`http://127.0.0.1:${String(port)}`);
    await client.adminToken(testAdministrator);
    return {
      ...client,
      strapi,
      dataFolder,
      grantPublic: (actions) => grantPublic(strapi, actions),
      createApiToken: (token) => createApiToken(strapi, token),
      createRestrictedAdmin: (admin) => createRestrictedAdmin(strapi, admin),
      stop: once(async () => {
        await strapi.destroy();
        await cleanUp();
      }),
    };
  } catch (error) {
    await cleanUp();
    throw error;
  }
}

/** Has the database of a Strapi to which the plugin is new. */
export async function createDataFolder(): Promise<string> {
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'image-search-app-'));
  await putFreshDatabase(dataFolder);
  return dataFolder;
}

async function boot(folder: string, servesPanel: boolean): Promise<Core.Strapi> {
  if (servesPanel && folder !== appFolder) await showSharedPanel(folder);
  const strapi = await createStrapi({
    appDir: folder,
    distDir: folder,
    autoReload: false,
    serveAdminPanel: servesPanel,
  }).load();
  strapi.server.mount();
  await new Promise<void>((resolve) => strapi.server.httpServer.listen(0, '127.0.0.1', resolve));
  return strapi;
}

/** All apps share one built panel, which doesn't depend on their content. */
async function showSharedPanel(folder: string): Promise<void> {
  const link = path.join(folder, 'build');
  // A parallel suite may have made it already.
  await symlink(path.join(appFolder, 'build'), link).catch(() => lstat(link));
}

/** Sets variables of this process; the function it answers puts back what was there. */
function setEnvironment(variables: Record<string, string>): () => void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= work());
}
