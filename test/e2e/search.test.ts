import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { renderSampleImage } from '../../sample/library';
import { adminActions } from '../../plugin/src/contracts/identity';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { imagesOf, productOf, startSearchApp, type SearchApp } from '../support/search-app';
import { testSearchWithImages } from './search-with-images';

const images = imagesOf([
  'guitar',
  'violin',
  'trumpet',
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
  'camera',
]);

describeInBrowser('The search page', (browser) => {
  let app: SearchApp;
  const idOf = (concept: string): number => app.fileOf(concept).id;
  beforeAll(async () => {
    app = await startSearchApp({ images, servesPanel: true });
  }, 240_000);
  afterAll(() => app.stop());

  it('suggests texts to try and images to start from', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    await page
      .getByRole('button', { name: /^Find images like/ })
      .nth(5)
      .waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await page.getByRole('button', { name: 'animals' }).click();
    await searchOn(page).results.waitFor();
    expect(searchOn(page).address().get('text')).toBe('animals');
  });

  it('searches while text is typed, and announces how many it found', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    const search = searchOn(page);
    await search.field.fill('guitar');
    await search.waitForBest(idOf('guitar'));
    expect(search.address().get('text')).toBe('guitar');
    await page.getByRole('status').filter({ hasText: '16 results' }).waitFor();
    expect((await search.ids()).length).toBe(images.length);
    expect(await findAccessibilityFaults(page)).toEqual([]);

    await search.field.fill('dog');
    await search.waitForBest(idOf('dog'));
    await page.goBack();
    await page.getByRole('button', { name: 'animals' }).waitFor();
    expect(await search.field.inputValue()).toBe('');
  });

  it('finds more like some results and less like others', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=animal`);
    const search = searchOn(page);
    await search.results.waitFor();
    await search.act(idOf('owl'), 'More like this');
    await page.getByRole('button', { name: /^Remove “Like/ }).waitFor();
    await search.act(idOf('dog'), 'Less like this');
    await page.getByRole('button', { name: /^Remove “Not like/ }).waitFor();
    expect(search.address().toString()).toBe(
      `text=animal&like=${String(idOf('owl'))}&unlike=${String(idOf('dog'))}`,
    );
    await page.goBack();
    await page.getByRole('button', { name: /^Remove “Not like/ }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^Remove “Like/ }).click();
    await page.getByRole('button', { name: /^Remove “Like/ }).waitFor({ state: 'detached' });
    expect(search.address().toString()).toBe('text=animal');
  });

  it('filters results, and removes filters one by one', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=music`);
    const search = searchOn(page);
    await search.results.waitFor();
    await search.filter('Type', 'PNG');
    await page.getByRole('button', { name: 'Remove filter “Type: PNG”' }).waitFor();
    const pngs = app.files.filter(({ image }) => image.mimeType === 'image/png');
    const count = String(pngs.length);
    await page
      .getByRole('status')
      .filter({ hasText: new RegExp(`^${count} results?$`) })
      .waitFor();
    expect((await search.ids()).sort()).toEqual(pngs.map(({ id }) => id).sort());

    await search.filter('Usage', 'Used in content');
    await page.getByText('No images match these filters.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('status').filter({ hasText: '16 results' }).waitFor();
  });

  it('counts what each choice of a filter would leave', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    const search = searchOn(page);
    const countOf = (type: string): number =>
      app.files.filter(({ image }) => image.mimeType === `image/${type}`).length;
    const options = async (name: string): Promise<string[]> => {
      await page.getByRole('combobox', { name }).click();
      await page
        .getByRole('option', { name: /\(\d+\)$/ })
        .first()
        .waitFor();
      const texts = await page.getByRole('option').allTextContents();
      await page.keyboard.press('Escape');
      return texts;
    };
    await page.getByRole('button', { name: 'Filters' }).click();
    const year = String(new Date().getUTCFullYear());
    expect(await options('Year')).toEqual(['Any', `${year} (${String(images.length)})`]);
    const types = await options('Type');
    for (const type of ['jpeg', 'png', 'webp', 'gif']) {
      expect(types).toContain(`${type.toUpperCase()} (${String(countOf(type))})`);
    }
    await page.keyboard.press('Escape');

    // Those of a filter don't follow itself, those of the others do.
    await search.filter('Type', 'PNG');
    await search.results.waitFor();
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByRole('combobox', { name: 'Year' }).click();
    await page.getByRole('option', { name: `${year} (${String(countOf('png'))})` }).waitFor();
    await page.keyboard.press('Escape');
    expect(await options('Type')).toEqual(types);
    await page.keyboard.press('Escape');
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  it('sorts what it found, and keeps the order in its address', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    const search = searchOn(page);
    await search.waitForBest(idOf('guitar'));
    const sort = async (order: string): Promise<void> => {
      await page.getByRole('combobox', { name: 'Sort by' }).click();
      await page.getByRole('option', { name: order }).click();
    };
    const ids = app.files.map(({ id }) => id).sort((one, other) => one - other);
    await sort('Oldest');
    await search.waitForBest(ids[0] ?? 0);
    expect(search.address().get('sort')).toBe('oldest');
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await page.reload();
    await search.waitForBest(ids[0] ?? 0);
    await sort('Newest');
    await search.waitForBest(ids.at(-1) ?? 0);
    await sort('Name');
    const names = app.files.map(({ image }) => image.fileName).sort();
    await search.waitForBest(app.files.find(({ image }) => image.fileName === names[0])?.id ?? 0);
    await sort('Relevance');
    await search.waitForBest(idOf('guitar'));
    expect(search.address().toString()).toBe('text=guitar');
  });

  it('filters by a color, and by one of a result', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    const search = searchOn(page);
    await page.getByRole('button', { name: 'Filters' }).click();
    const red = page.getByRole('button', { name: /^Red \(\d+\)$/ });
    await red.click();
    await page.locator('[aria-pressed="true"]').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await search.results.waitFor();
    expect(search.address().get('color')).toBe('red');
    const found = await search.ids();
    expect(found).toContain(idOf('red-apple'));
    expect(found).not.toContain(idOf('sunflower'));

    await page.locator(`[data-result="${String(idOf('red-apple'))}"]`).click();
    const asked = page.waitForRequest((request) =>
      /color(?:=%23|":"#)/.test(request.url() + (request.postData() ?? '')),
    );
    await page
      .getByRole('button', { name: /^Show images with the color Red #/ })
      .first()
      .click();
    await asked;
    expect(search.address().get('color')).toMatch(/^#[\da-f]{6}$/);
    await search.results.waitFor();
    expect(await search.ids()).toContain(idOf('red-apple'));
    await page.getByRole('button', { name: 'Filters' }).click();
    const other = page.getByLabel('Other color');
    await other.fill('#ffc107');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Remove filter “Color: #ffc107”' }).waitFor();
    await page.locator('[aria-busy="false"]').first().waitFor();
    expect(await search.ids()).toContain(idOf('sunflower'));
  });

  it('lists what passes the filters before anything is searched', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    const search = searchOn(page);
    await search.filter('Type', 'PNG');
    await search.results.waitFor();
    const pngs = app.files.filter(({ image }) => image.mimeType === 'image/png');
    expect((await search.ids()).sort()).toEqual(pngs.map(({ id }) => id).sort());
    await page.getByRole('button', { name: 'Remove filter “Type: PNG”' }).click();
    await search.results.waitFor({ state: 'detached' });
  });

  it('excludes what a text describes', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=animal`);
    const search = searchOn(page);
    await search.results.waitFor();
    const before = await search.ids();
    const unwanted = before[0] ?? 0;
    await page.getByRole('button', { name: 'Filters' }).click();
    const asked = page.waitForRequest(
      (request) => request.postData()?.includes('"unlike":["dog"]') ?? false,
    );
    await page.getByLabel('Exclude', { exact: true }).fill('dog');
    await page.keyboard.press('Enter');
    await asked;
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Remove filter “Exclude: dog”' }).waitFor();
    expect(search.address().get('without')).toBe('dog');
    await page.locator('[aria-busy="false"]').first().waitFor();
    expect(await findAccessibilityFaults(page, 'main')).toEqual([]);
    await page.getByRole('button', { name: 'Remove filter “Exclude: dog”' }).click();
    await search.waitForBest(unwanted);
    expect(await search.ids()).toEqual(before);
  });

  it('keeps the whole query in its address', async () => {
    const id = String(idOf('guitar'));
    const address = `text=with+strings&like=${id}&orientation=landscape&type=jpeg`;
    const page = await browser.open(app.url, `${SEARCH_PAGE}?${address}`);
    const search = searchOn(page);
    await page.getByRole('button', { name: 'Remove filter “Landscape”' }).waitFor();
    await page.getByRole('button', { name: 'Remove filter “Type: JPEG”' }).waitFor();
    await page.getByRole('button', { name: /^Remove “Like/ }).waitFor();
    expect(await search.field.inputValue()).toBe('with strings');
    expect(search.address().toString()).toBe(address);
  });

  it('shows details of a result, and finds similar ones from there', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    const search = searchOn(page);
    await search.waitForBest(idOf('guitar'));
    await page.locator(`[data-result="${String(idOf('guitar'))}"]`).click();
    const drawer = page.getByRole('dialog');
    await drawer.getByRole('heading', { name: app.fileOf('guitar').image.fileName }).waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    expect(
      await drawer.getByRole('link', { name: 'Open in Media Library' }).getAttribute('href'),
    ).toBe(`/admin/plugins/upload?assetId=${String(idOf('guitar'))}`);
    await drawer.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('Link copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      `${app.url}/uploads/`,
    );

    expect(search.address().get('details')).toBe(String(idOf('guitar')));
    await drawer.getByRole('button', { name: /in full size$/ }).click();
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await page.getByText('150%').waitFor();
    await page.keyboard.press('Escape');
    await page.goBack();
    await drawer.waitFor({ state: 'detached' });

    await page.locator(`[data-result="${String(idOf('guitar'))}"]`).click();
    await drawer.getByRole('button', { name: 'Find similar' }).click();
    await drawer.waitFor({ state: 'detached' });
    expect(search.address().toString()).toBe(`like=${String(idOf('guitar'))}`);
  });

  it('works with the keyboard alone', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    const search = searchOn(page);
    await search.waitForBest(idOf('guitar'));
    await page.locator(`[data-result="${String(idOf('guitar'))}"]`).focus();
    await page.keyboard.press('ArrowRight');
    const [, second] = await search.ids();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-result'));
    expect(await focused()).toBe(String(second));
    await page.keyboard.press('ArrowDown');
    expect([null, String(second)]).not.toContain(await focused());
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator(`[data-result="${String(idOf('guitar'))}"]:focus`).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.getByText('1 selected').waitFor();
  });

  it('moves the selected images to a folder', async () => {
    await app.request
      .post('/upload/folders')
      .auth(await app.adminToken(), { type: 'bearer' })
      .send({ name: 'Music', parent: null });
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    await searchOn(page).waitForBest(idOf('guitar'));
    for (const concept of ['guitar', 'violin']) await searchOn(page).select(idOf(concept));
    await page.getByRole('button', { name: 'Move', exact: true }).click();
    await page.getByRole('combobox', { name: 'Destination folder' }).click();
    await page.getByRole('option', { name: 'Music' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Move', exact: true }).click();
    await page.getByText('2 images moved').waitFor();
    const moved = await app.strapi.db
      .query('plugin::upload.file')
      .findMany({ where: { folder: { name: 'Music' } } });
    expect(moved.map(({ id }) => Number(id)).sort()).toEqual(
      [idOf('guitar'), idOf('violin')].sort(),
    );
  });

  it('selects ranges, writes alternative texts one after the other, and deletes', async () => {
    // A copy of another one would be folded into that.
    const [hammer] = await Promise.all(
      imagesOf(['hammer']).map((image) => renderSampleImage(image)),
    );
    if (!hammer) throw new Error('There was no hammer.');
    const added = await app.uploadThroughAdmin(hammer, 'extra.png');
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`);
    const search = searchOn(page);
    await search.waitForBest(idOf('guitar'));
    const [first = 0, second = 0, third = 0] = await search.ids();
    await search.select(first);
    await page.locator(`[data-result="${String(third)}"]`).click({ modifiers: ['Shift'] });
    await page.getByText('3 selected').waitFor();
    await page.getByRole('button', { name: 'Edit texts' }).click();
    const dialog = page.getByRole('dialog', { name: 'Alternative text and caption (1 of 3)' });
    await dialog.getByLabel('Alternative text').fill('A guitar');
    await page.keyboard.press('Enter');
    await page.getByText('(2 of 3)').waitFor();
    await page.getByRole('button', { name: 'Skip' }).click();
    await page.getByRole('textbox', { name: 'Caption' }).fill('Played yesterday');
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const rows = await app.strapi.db
      .query('plugin::upload.file')
      .findMany({ where: { id: { $in: [first, second, third] } }, orderBy: 'id' });
    const texts = new Map(rows.map((row) => [Number(row.id), row]));
    expect(texts.get(first)).toMatchObject({ alternativeText: 'A guitar' });
    expect(texts.get(second)).toMatchObject({ alternativeText: null, caption: null });
    expect(texts.get(third)).toMatchObject({ caption: 'Played yesterday' });

    await page.getByRole('button', { name: 'Select all' }).click();
    await page.getByText('17 selected').waitFor();
    await page.getByRole('region').getByRole('button', { name: 'Clear selection' }).click();
    await search.select(added.id);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('1 image deleted').waitFor();
    await page.locator(`[data-result="${String(added.id)}"]`).waitFor({ state: 'detached' });
  });

  it('says that there is no close match, and that not everything is indexed', async () => {
    const coverage = jest
      .spyOn(productOf(app).status, 'coverage')
      .mockResolvedValue({ indexed: 1_240, total: 5_000 });
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=qzxv+wkpf`);
    await page.getByText('No close matches for “qzxv wkpf”').waitFor();
    await page.getByText('1,240 of 5,000 images indexed.').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    coverage.mockRestore();
  });

  it('says that the image of the query is gone', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?like=999999`);
    await page.getByText('Can’t search with this image').waitFor();
    await page.getByRole('button', { name: 'Start a new search' }).click();
    await page.getByRole('button', { name: 'animals' }).waitFor();
  });

  it('asks to wait after too many searches', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    const answer = {
      data: null,
      error: { status: 429, name: 'RateLimitError', message: 'Slowly' },
    };
    await page.route('**/image-search/search', (route) =>
      route.fulfill({ status: 429, json: answer }),
    );
    await searchOn(page).field.fill('dog');
    await page.getByText('Too many searches').waitFor();
    await page.unroute('**/image-search/search');
    await page.getByRole('button', { name: 'Retry' }).click();
    await searchOn(page).waitForBest(idOf('dog'));
  });

  it('tells a role that it can’t read the library', async () => {
    const guest = { email: 'guest@example.com', password: 'Test-Guest-1' };
    await app.createRestrictedAdmin({ ...guest, permissions: [{ action: adminActions.search }] });
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=dog`, { as: guest });
    await page.getByText('You don’t have access to the Media Library').waitFor();
  });

  it('is readable in dark mode', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=guitar`, { theme: 'dark' });
    await searchOn(page).waitForBest(idOf('guitar'));
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  testSearchWithImages(browser, () => app);
});
