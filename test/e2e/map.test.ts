import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { createLibrary, sampleImages } from '../support/library';
import { searchOn } from '../support/panel-search';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

/** The browser loads the whole panel first. */
const FIRST_VIEW_MS = 60_000;
const MAP_PAGE = '/plugins/image-search/map';
const IMAGES = 30;

describeInBrowser('The map of the library', (browser) => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({ servesPanel: true });
  });
  afterAll(() => app.stop());

  async function openMap(visit: Parameters<typeof browser.open>[2] = {}): Promise<Page> {
    const page = await browser.open(app.url, MAP_PAGE, visit);
    await mapOn(page).waitFor({ timeout: FIRST_VIEW_MS });
    // The last of the thumbnails in view.
    await page.waitForLoadState('networkidle');
    return page;
  }

  it('explains an empty library', async () => {
    const page = await browser.open(app.url, MAP_PAGE);
    await page.getByText('Not enough images for a map').waitFor({ timeout: FIRST_VIEW_MS });
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  it('appears once it has been made, and goes from image to image by keys', async () => {
    const [first, ...others] = await sampleImages(IMAGES - 1);
    if (!first) throw new Error('There are no sample images.');
    await createLibrary(app).upload(first, ...others, { ...first, fileName: 'again.png' });
    await app.waitUntilIndexed();
    const page = await openMap();
    await page.getByText(`${String(IMAGES)} images. Similar ones are near each other.`).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await show(page, 'map');
    const map = mapOn(page);
    await map.focus();
    await page.keyboard.press('ArrowRight');
    const told = page.getByRole('status').filter({ hasText: /\.\w+$/ });
    await told.waitFor();
    const name = (await told.textContent()) ?? '';
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name }).waitFor();
    await show(page, 'map-details');
    await page.goBack();
    await page.getByRole('dialog', { name }).waitFor({ state: 'detached' });
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await show(page, 'map-zoomed');
  });

  it('shows what an area covers as results', async () => {
    const page = await openMap();
    const { height, width, x, y } = await boxOf(mapOn(page));
    await page.keyboard.down('Shift');
    await page.mouse.move(x + 4, y + 4);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
    await page.mouse.move(x + width - 4, y + height - 4, { steps: 4 });
    await show(page, 'map-area');
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await page.getByRole('button', { name: `Show these ${String(IMAGES)} images` }).waitFor();

    await page.getByRole('button', { name: 'Clear selection' }).click();
    await page.getByRole('button', { name: 'Select what is shown' }).click();
    await page.getByRole('button', { name: `Show these ${String(IMAGES)} images` }).click();
    const { results } = searchOn(page);
    await results.waitFor();
    await page.getByText(`${String(IMAGES)} images from the map`).waitFor();
    expect(await results.getByRole('listitem').count()).toBe(IMAGES);
  });

  it('highlights duplicates and unused images', async () => {
    const page = await openMap();
    const duplicates = page.getByRole('button', { name: 'Duplicates (2)' });
    await duplicates.click();
    expect(await duplicates.getAttribute('aria-pressed')).toBe('true');
    await page.getByRole('button', { name: `Unused (${String(IMAGES)})` }).click();
    expect(await duplicates.getAttribute('aria-pressed')).toBe('false');
    await duplicates.click();
    await show(page, 'map-duplicates');
  });

  it.each([
    ['dark', { theme: 'dark' }],
    ['small', { window: { width: 390, height: 844 } }],
  ] as const)('fits and is accessible (%s)', async (name, visit) => {
    const page = await openMap(visit);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    const isCut = await page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    expect(isCut).toBe(false);
    await show(page, `map-${name}`);
  });
});

function mapOn(page: Page): Locator {
  return page.getByRole('application', { name: 'Map of the library' });
}

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  if (!box) throw new Error('The map has no place on the page.');
  return box;
}

async function show(page: Page, name: string): Promise<void> {
  const folder = process.env.SHOW_FOLDER;
  if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
