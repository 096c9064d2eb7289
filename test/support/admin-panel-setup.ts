import { rm } from 'node:fs/promises';
import { buildAdminPanel, isAdminPanelBuilt } from './admin-panel';
import { findChromium } from './chromium';
import keepFreshDatabase from './fresh-database';
import { createDataFolder } from './strapi-app';

/** Jest calls it once, before the first suite that needs a browser: all of them share the panel. */
export default async function setUpAdminPanel(): Promise<void> {
  await keepFreshDatabase();
  if (findChromium() === undefined || (await isAdminPanelBuilt())) return;
  const dataFolder = await createDataFolder();
  try {
    await buildAdminPanel(dataFolder);
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}
