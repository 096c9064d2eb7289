import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { z } from 'zod';
import { adminActions } from '../../plugin/src/contracts/identity';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { copyImage } from '../support/duplicate-images';
import { createLibrary, sampleImages } from '../support/library';
import { readRow, storedFile } from '../support/library-rows';
import { searchOn } from '../support/panel-search';
import { pollUntil } from '../support/polling';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { appFolder } from '../support/strapi-environment';

/** The browser loads the whole panel first. */
const FIRST_VIEW_MS = 60_000;
const searcher = { email: 'searcher@example.com', password: 'Test-Searcher-1' };
const homePageSchema = z.object({ data: z.object({ hero: z.object({ id: z.number() }) }) });
const fileListSchema = z.array(z.object({ id: z.number() }));
const ARTICLES = '/content-manager/collection-types/api::article.article';
const HOME_PAGE = '/content-manager/single-types/api::home-page.home-page';

describeInBrowser('Where editors already are', (browser) => {
  let app: StrapiApp;
  let fileId: number;
  beforeAll(async () => {
    const folder = path.join(appFolder, 'editorial');
    app = await startStrapi({ folder, servesPanel: true });
    const library = createLibrary(app);
    const [first, ...others] = await sampleImages(5);
    if (!first) throw new Error('There are no sample images.');
    // Identical bytes are duplicates with any model.
    const uploaded = await library.upload(first, ...others, { ...first, fileName: 'again.png' });
    fileId = uploaded[0]?.id ?? 0;
    await library.call('put', '/content-manager/single-types/api::home-page.home-page', {
      hero: fileId,
    });
    await app.waitUntilIndexed();
    await app.createRestrictedAdmin({
      ...searcher,
      permissions: [{ action: 'plugin::upload.read' }, { action: adminActions.search }],
    });
  });
  afterAll(() => app.stop());

  it('image details in the Media Library link to similar images', async () => {
    const page = await browser.open(app.url, `/plugins/upload?assetId=${String(fileId)}`);
    const drawer = page.getByRole('dialog', { name: 'File details' });
    const button = drawer.getByRole('button', { name: 'Find similar' });
    await button.waitFor({ timeout: FIRST_VIEW_MS });
    await drawer.getByRole('link', { name: '1 duplicate' }).waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    await show(page, 'drawer');
    await button.click();
    await page.waitForURL((address) => address.pathname.endsWith('/image-search/search'));
    expect(new URL(page.url()).searchParams.get('like')).toBe(String(fileId));
  });

  it('the home page shows how many images are searchable, and links to the search', async () => {
    const page = await browser.open(app.url, '/');
    await page.getByText('6 of 6').waitFor({ timeout: FIRST_VIEW_MS });
    await show(page, 'home');
    await page.getByRole('main').getByRole('link', { name: 'Index' }).click();
    await page.getByRole('heading', { level: 1, name: 'Index' }).waitFor();
  });

  it('an entry with an image suggests similar ones beside its form, and uses one', async () => {
    const page = await browser.open(app.url, HOME_PAGE);
    await page.getByRole('heading', { name: 'Similar images' }).waitFor({
      timeout: FIRST_VIEW_MS,
    });
    const links = page.getByRole('link', { name: /in the Media Library$/ });
    await links.first().waitFor();
    expect(await links.count()).toBe(5);
    await show(page, 'entry');

    const [next] = await app.strapi.db
      .query('plugin::upload.file')
      .findMany({ where: { name: 'again.png' }, select: ['id', 'name'] });
    // Starts watching early, because notices disappear soon.
    const told = page.getByText('Save to keep the change.').waitFor();
    await page
      .getByRole('button', { name: /^Replace hero with “.*”$/ })
      .first()
      .click();
    await told;
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const readHero = async (): Promise<unknown> => {
      const { body } = await createLibrary(app).call('get', HOME_PAGE);
      return homePageSchema.parse(body).data.hero.id;
    };
    await pollUntil(readHero, (id) => id === next?.id);
  });

  it('a media field picks several images by what they show, beside those picked in Strapi’s dialog', async () => {
    const page = await browser.open(app.url, `${ARTICLES}/create`);
    await page.getByLabel('title').fill('Picked');
    await page
      .getByRole('button', { name: /^Click to add an asset/ })
      .nth(1)
      .click();
    const dialog = page.getByRole('dialog');
    // The first one selects all.
    await dialog.getByRole('checkbox').nth(1).click({ timeout: FIRST_VIEW_MS });
    await dialog.getByRole('button', { name: 'Image search' }).click();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    const search = searchOn(page);
    await search.field.fill('a dog');
    await search.results.waitFor();
    // The first asset in Strapi's dialog is the last that was uploaded.
    const found = await search.ids();
    const [first = 0, second = 0] = found.filter((id) => id !== Math.max(...found));
    await search.pick(second);
    await search.filter('Usage', 'Unused');
    await page.locator('[aria-busy="false"]').first().waitFor();
    await search.pick(first);
    await show(page, 'picker');
    await dialog.getByRole('button', { name: 'Use 2 images' }).click();
    await page.getByText('(1 / 3)').waitFor();
    await page.getByLabel('Describe an image').fill('a dog');
    await page.getByRole('combobox', { name: 'Field' }).click();
    await page.getByRole('option', { name: 'cover', exact: true }).click();
    await page
      .getByRole('button', { name: /^Add “.*” to cover$/ })
      .first()
      .click();
    await page
      .getByRole('button', { name: /^Replace cover with “.*”$/ })
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved document').waitFor();
    const article = await app.strapi
      .documents('api::article.article')
      .findFirst({ filters: { title: 'Picked' }, populate: ['gallery', 'cover'] });
    const gallery = fileListSchema.parse(article?.['gallery']).map(({ id }) => id);
    expect(gallery).toHaveLength(3);
    expect(article?.['cover']).not.toBeNull();
    expect(gallery.slice(1)).toEqual([second, first]);
  });

  it('the rich text editor picks an image by what it shows, and uploads are a tab away', async () => {
    const page = await browser.open(app.url, HOME_PAGE);
    await page
      .getByRole('button', { name: 'Image', exact: true })
      .click({ timeout: FIRST_VIEW_MS });
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Image search' }).click();
    const search = searchOn(page);
    await search.field.fill('again');
    await search.results.waitFor();
    await dialog.getByRole('tab', { name: 'Browse' }).click();
    await dialog.getByRole('button', { name: 'Add more assets' }).waitFor();
    await dialog.getByRole('button', { name: 'Image search' }).click();
    const [recent] = await dialog.getByRole('button', { name: /^Select / }).all();
    const name = (await recent?.getAttribute('aria-label'))?.replace('Select ', '') ?? '';
    await recent?.click();
    await dialog.getByRole('button', { name: 'Use 1 image' }).click();
    await page.getByText(`![${name}](`).waitFor();
  });

  it.each([false, true])(
    'the Media Library leads to image search (legacy: %s)',
    async (isLegacy) => {
      const page = await browser.open(app.url, '/plugins/upload', { legacyMediaLibrary: isLegacy });
      const field = page.getByLabel('Search by what images show');
      await field.fill('a dog', { timeout: FIRST_VIEW_MS });
      expect(await page.getByRole('button', { name: 'Add new assets' }).count()).toBe(
        isLegacy ? 1 : 0,
      );
      await show(page, `media-library-${isLegacy ? 'legacy' : 'new'}`);
      await field.press('Enter');
      await searchOn(page).results.waitFor();
      expect(searchOn(page).address().get('text')).toBe('a dog');
    },
  );

  it('uploading a copy shows a notice that leads to merging it', async () => {
    const { original, resaved } = await copyImage('guitar');
    const [kept] = await createLibrary(app).upload(original);
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, '/plugins/upload');
    await page.getByText('again.png').first().waitFor();
    await page
      .locator('input[type=file][multiple]')
      .first()
      .setInputFiles({ name: resaved.fileName, mimeType: 'image/jpeg', buffer: resaved.bytes });
    await page.getByText(`“${resaved.fileName}” is the same image as “guitar.png”`).waitFor();
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: 'Compare' }).click();

    const inbox = await opened;
    const review = inbox.getByRole('region', { name: 'Comparison' });
    await review.getByText('“guitar.png” and “guitar-small.jpg”').waitFor();
    await review.getByText('Same image (re-saved)').waitFor();
    // The larger one was enlarged from a smaller drawing.
    await review.getByText('Suggestion: keep “guitar-small.jpg”').waitFor();
    await review.getByRole('button', { name: 'Keep left' }).click();
    await inbox.getByRole('button', { name: 'Merge 1 copy' }).click();
    await inbox.getByText('Merged into “guitar.png”. 1 copy moved to the trash').waitFor();
    const { body } = await app.request
      .get('/upload/files?filters[name][$startsWith]=guitar')
      .auth(await app.adminToken(), { type: 'bearer' });
    const { results } = body as { results: unknown[] };
    expect(results).toMatchObject([{ id: kept?.id, name: 'guitar.png' }]);
  });

  it('a result is dragged onto a media field that takes images', async () => {
    const page = await browser.open(app.url, `${ARTICLES}/create`);
    await page.getByLabel('Describe an image').fill('a dog', { timeout: FIRST_VIEW_MS });
    const found = page.getByRole('link', { name: /in the Media Library$/ });
    await found.first().waitFor();
    const fields = page.getByRole('button', { name: /^Click to add an asset/ });
    const dragged = async (result: number, field: Locator): Promise<void> => {
      await found.nth(result).dragTo(field);
    };
    await dragged(0, fields.nth(1));
    await page.getByText('(1 / 1)').waitFor();
    // What a field has is still there beside what is dropped.
    await dragged(1, page.getByText('(1 / 1)'));
    await page.getByText('(1 / 2)').waitFor();
  });

  it('an upload in a media field that copies another file is exchanged for it', async () => {
    const { original, resaved } = await copyImage('bicycle');
    const [kept] = await createLibrary(app).upload(original);
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, `${ARTICLES}/create`);
    await page.getByLabel('title').fill('Exchanged', { timeout: FIRST_VIEW_MS });
    await page
      .getByRole('button', { name: /^Click to add an asset/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Add more assets' }).click();
    await dialog
      .locator('input[type=file]')
      .setInputFiles({ name: resaved.fileName, mimeType: 'image/jpeg', buffer: resaved.bytes });
    await dialog.getByRole('button', { name: /^Upload 1 asset/ }).click();
    await dialog.getByRole('button', { name: 'Finish' }).click();
    const notice = page.getByRole('status').filter({ hasText: 'is the same image as' });
    await notice.waitFor();
    await show(page, 'notice');
    await notice.getByRole('button', { name: 'Use the existing file' }).click();
    const told = page.getByRole('status').filter({ hasText: 'is in the field now' });
    expect(await findAccessibilityFaults(page, '[role="status"]')).toEqual([]);
    const copy = await app.strapi
      .query('plugin::upload.file')
      .findOne({ where: { name: resaved.fileName } });
    const user = await app.strapi
      .documents('api::article.article')
      .create({ data: { title: 'Uses the upload', cover: copy.id } });
    await told.getByRole('button', { name: 'Delete the upload' }).click();
    await page.getByText('is still used by a saved or published entry').waitFor();
    await app.strapi.documents('api::article.article').delete({ documentId: user.documentId });
    await told.getByRole('button', { name: 'Delete the upload' }).click();
    await page.getByText('1 image deleted').waitFor();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved document').waitFor();
    const article = await app.strapi
      .documents('api::article.article')
      .findFirst({ filters: { title: 'Exchanged' }, populate: ['cover'] });
    expect(article?.['cover']).toMatchObject({ id: kept?.id });
    const copies = await app.strapi
      .query('plugin::upload.file')
      .count({ where: { name: resaved.fileName } });
    expect(copies).toBe(0);
  });

  it('a role without permissions sees none of it', async () => {
    const writer = { email: 'writer@example.com', password: 'Test-Writer-1' };
    await app.createRestrictedAdmin({
      ...writer,
      permissions: [{ action: 'plugin::upload.read' }, { action: 'plugin::upload.assets.update' }],
    });
    const page = await browser.open(app.url, `/plugins/upload?assetId=${String(fileId)}`, {
      as: writer,
    });
    const drawer = page.getByRole('dialog', { name: 'File details' });
    await drawer.getByText('File info').waitFor({ timeout: FIRST_VIEW_MS });
    expect(await drawer.getByRole('button', { name: 'Find similar' }).count()).toBe(0);
    await page.goto(`${app.url}/admin`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await page.getByRole('link', { name: 'Image Search' }).count()).toBe(0);
    expect(await page.getByText('Search images').count()).toBe(0);
  });

  it('a role that can search but not merge sees only the button', async () => {
    const page = await browser.open(app.url, `/plugins/upload?assetId=${String(fileId)}`, {
      as: searcher,
    });
    const drawer = page.getByRole('dialog', { name: 'File details' });
    await drawer.getByRole('button', { name: 'Find similar' }).waitFor({ timeout: FIRST_VIEW_MS });
    expect(await drawer.getByRole('link').count()).toBe(0);
  });

  it('an image missing from the search says why, and can be retried with the right permission', async () => {
    const library = createLibrary(app);
    const bytes = Buffer.from('not an image');
    const [broken] = await library.upload({ fileName: 'broken.png', bytes });
    const brokenId = broken?.id ?? 0;
    await app.waitUntilIndexed();
    await library.call('put', HOME_PAGE, { hero: brokenId });
    const address = `/plugins/upload?assetId=${String(brokenId)}`;

    const told = detailsOn(await browser.open(app.url, address, { as: searcher }));
    await told.drawer.getByText('The file is damaged').waitFor({ timeout: FIRST_VIEW_MS });
    expect(await told.findSimilar.isDisabled()).toBe(true);
    expect(await told.tryAgain.count()).toBe(0);
    expect(await told.drawer.getByRole('link').count()).toBe(0);

    const search = `/plugins/image-search/search?text=${encodeURIComponent('an apple')}`;
    const results = await browser.open(app.url, search, { as: searcher });
    await results.getByText('see why it’s missing from search').waitFor();
    await show(results, 'results');
    await results.goto(`${app.url}/admin/plugins/image-search/search?like=${String(brokenId)}`);
    const way = results.getByRole('link', { name: 'Open in Media Library' });
    expect(await way.getAttribute('href')).toBe(`/admin${address}`);
    await show(results, 'unusable');

    const entry = await browser.open(app.url, HOME_PAGE);
    await entry.getByText('Not searchable').waitFor();
    await show(entry, 'entry-broken');

    const page = await browser.open(app.url, address);
    const { drawer, findSimilar, tryAgain } = detailsOn(page);
    await drawer.getByText('The file is damaged').waitFor();
    await drawer.getByRole('link', { name: 'View index' }).waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    await show(page, 'drawer-broken');
    const [fixed] = await sampleImages(1);
    const row = await readRow(app.strapi, brokenId);
    await writeFile(storedFile(app.strapi, row), fixed?.bytes ?? '');
    await tryAgain.click();
    await drawer.getByText('Searchable', { exact: true }).waitFor();
    expect(await findSimilar.isDisabled()).toBe(false);
    expect(await tryAgain.count()).toBe(0);
  });
});

function detailsOn(page: Page): { drawer: Locator; findSimilar: Locator; tryAgain: Locator } {
  const drawer = page.getByRole('dialog', { name: 'File details' });
  return {
    drawer,
    findSimilar: drawer.getByRole('button', { name: 'Find similar' }),
    tryAgain: drawer.getByRole('button', { name: 'Retry' }),
  };
}

async function show(page: Page, name: string): Promise<void> {
  const folder = process.env.SHOW_FOLDER;
  if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
