import path from 'node:path';
import type { Page } from 'playwright-core';
import { repositoryFolder } from './paths';

const imagesFolder = path.join(repositoryFolder, 'docs/images');

/** Renews an image of the documentation, `<name>.png`; only with `UPDATE_SCREENSHOTS=1` in the environment. */
export async function takeScreenshot(page: Page, name: string): Promise<void> {
  if (process.env.UPDATE_SCREENSHOTS !== '1') return;
  await page.screenshot({
    path: path.join(imagesFolder, `${name}.png`),
    animations: 'disabled',
    caret: 'hide',
  });
}
