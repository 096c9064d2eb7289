import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';

const MUSIC = ['guitar', 'violin', 'trumpet', 'saxophone'];
const images = imagesOf([
  ...MUSIC,
  'dog',
  'cat',
  'owl',
  'red-apple',
  'pizza',
  'sailboat',
  'rocket',
  'castle',
  'sunflower',
  'butterfly',
  'bicycle',
  'elephant',
]);

describeInBrowser('The search page of a calibrated library', (browser) => {
  let app: SearchApp;
  beforeAll(async () => {
    app = await startSearchApp({
      images,
      servesPanel: true,
      imageSearch: { search: { calibrate: true } },
    });
    await productOf(app).calibrator?.runOnce();
  }, 240_000);
  afterAll(() => app.stop());

  it('puts weak matches behind a divider, by keyboard, too', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    const search = searchOn(page);
    await search.waitForBest(app.fileOf('guitar').id);
    const shown = await search.ids();
    expect(shown.length).toBeLessThan(images.length);
    await page
      .getByRole('status')
      .filter({ hasText: new RegExp(`^${String(shown.length)} result`) })
      .waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);

    const divider = page.getByRole('button', { name: 'Show less relevant images' });
    expect(await divider.getAttribute('aria-expanded')).toBe('false');
    await divider.focus();
    await page.keyboard.press('Enter');
    const weak = page.getByRole('list', { name: 'Less relevant' });
    await weak.waitFor();
    expect(await search.ids()).toEqual(shown);
    expect(await weak.getByRole('listitem').count()).toBe(images.length - shown.length);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await search.field.fill('trumpet');
    await search.waitForBest(app.fileOf('trumpet').id);
    await page.getByRole('button', { name: 'Show less relevant images' }).waitFor();
    await weak.waitFor({ state: 'detached' });
  });

  it('keeps the divider in view when weak matches are shown', async () => {
    const window = { width: 1440, height: 400 };
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`, { window });
    await searchOn(page).waitForBest(app.fileOf('guitar').id);
    await page.getByRole('button', { name: 'Show less relevant images' }).click();
    await page.getByRole('list', { name: 'Less relevant' }).waitFor();
    const divider = page.getByRole('button', { name: 'Hide less relevant images' });
    const { y } = (await divider.boundingBox()) ?? { y: -1 };
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(window.height);
  });

  it('sorts and counts the relevant ones alone', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    const search = searchOn(page);
    await search.waitForBest(app.fileOf('guitar').id);
    const shown = await search.ids();
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByRole('combobox', { name: 'Year' }).click();
    const year = String(new Date().getUTCFullYear());
    await page.getByRole('option', { name: `${year} (${String(shown.length)})` }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Sort by' }).click();
    await page.getByRole('option', { name: 'Newest' }).click();
    await search.waitForBest(Math.max(...shown));
    expect((await search.ids()).sort()).toEqual([...shown].sort());

    await page.goto(`${page.url().split('?')[0] ?? ''}?text=qzxv+wkpf&sort=name`);
    await page.getByText('No close matches to sort.').waitFor();
    await page.getByRole('button', { name: 'Sort by relevance' }).click();
    await search.results.waitFor();
    expect(await search.ids()).toHaveLength(images.length);
  });

  it('shows the nearest images when all are weak, and says so', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=qzxv+wkpf`);
    const search = searchOn(page);
    await page.getByText('No close matches for “qzxv wkpf”').waitFor();
    expect(await search.ids()).toHaveLength(images.length);
    expect(await page.getByRole('button', { name: /less relevant images/ }).count()).toBe(0);
  });
});
