import { mkdir, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { createStrapi, type Core } from '@strapi/strapi';
import { appFolder, createAppEnvironment } from '../../test/support/strapi-environment';
import { DemoFailure } from './failure';
import type { DemoOptions } from './options';

/** What the app and the demo write to the data folder. Nothing else is ever deleted. */
const OWN_ENTRY =
  /^(?:public|secrets\.json|administrator\.json|(?:strapi|image-search)\.sqlite.*)$/;

export async function prepareDataFolder({ dataFolder, isReset }: DemoOptions): Promise<void> {
  await mkdir(dataFolder, { recursive: true });
  if (!isReset) return;
  for (const name of await readdir(dataFolder)) {
    if (OWN_ENTRY.test(name)) await rm(path.join(dataFolder, name), { recursive: true });
  }
}

/** @throws DemoFailure when another program uses the port */
export async function checkPort({ host, port }: DemoOptions): Promise<void> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, host, resolve);
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') throw new DemoFailure(`Can't listen on ${host}: ${message}`);
    throw new DemoFailure(
      `Port ${String(port)} is in use. Stop the other program, or choose another port: ` +
        `PORT=${String(port + 1)} npm run demo`,
    );
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}

/** Starts Strapi with its panel in this process. Strapi handles SIGINT and SIGTERM. */
export async function startServer(options: DemoOptions): Promise<Core.Strapi> {
  const { dataFolder, host, model, port } = options;
  Object.assign(process.env, {
    ...createAppEnvironment({ dataFolder, hasExtras: true }),
    ...(model === undefined ? {} : { CLIP_MODEL: model }),
    HOST: host,
    LOG_LEVEL: 'warn',
    NODE_ENV: 'production',
    PORT: String(port),
  });
  // Strapi's own start() would exit on an error and print a stack trace instead of advice.
  try {
    const strapi = createStrapi({ appDir: appFolder, distDir: appFolder });
    await strapi.load();
    await strapi.listen();
    return strapi;
  } catch (error) {
    throw new DemoFailure(
      `Strapi couldn't start: ${(error as Error).message}\n` +
        'If its data is from an older version, start from scratch: npm run demo -- --reset',
      { cause: error },
    );
  }
}
