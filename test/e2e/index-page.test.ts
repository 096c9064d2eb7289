import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { adminActions } from '../../plugin/src/contracts/identity';
import { IMAGE_TRACE_UID, SPACE_UID } from '../../server/src/plugin-id';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { createLibrary, sampleImages, type FileBytes, type Library } from '../support/library';
import { startHostedModel, type HostedModel } from '../support/model-change';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const INDEX = '/plugins/image-search/index';
const BROKEN = 'broken.png';
/** One red pixel as a Windows bitmap, which is skipped with every model. */
const BITMAP =
  '424d3a0000000000000036000000280000000100000001000000010018000000000004000000000000000000000000000000000000000000ff00';
const NO_IMAGES = 'Your Media Library has no images yet.';
/** The browser loads the whole panel first. */
const FIRST_VIEW_MS = 60_000;

/** The page refreshes when its user returns to the tab, not only every 20 seconds. */
async function returnToTab(page: Page): Promise<void> {
  await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')));
}

describeInBrowser('The Index page', (browser) => {
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;
  let images: FileBytes[];
  beforeAll(async () => {
    dataFolder = await createDataFolder();
    app = await startStrapi({ dataFolder, servesPanel: true });
    library = createLibrary(app);
    images = await sampleImages(9);
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('says where to start when there are no images', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText(NO_IMAGES).waitFor({ timeout: FIRST_VIEW_MS });
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  it('shows live how uploads are indexed', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText(NO_IMAGES).waitFor();
    await library.upload(...images.slice(0, 8));
    await returnToTab(page);
    await page.getByText('of 8 in the Media Library').waitFor({ timeout: 40_000 });
    await page.getByRole('progressbar', { name: 'Searchable images' }).waitFor();
    await page.getByText('Up to date').waitFor({ timeout: 40_000 });
    expect(await page.getByText('8 of 8 images').count()).toBe(1);
  });

  it('says why an image failed, and retries it', async () => {
    await library.upload({ fileName: BROKEN, bytes: Buffer.from('not an image') });
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, INDEX);
    const row = page.getByRole('listitem').filter({ hasText: BROKEN });
    await row.getByText('The file is damaged').waitFor();
    expect(await row.getByRole('link', { name: BROKEN }).getAttribute('href')).toMatch(
      /\/admin\/plugins\/upload\?assetId=\d+$/,
    );
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await row.getByRole('button', { name: `Retry “${BROKEN}”` }).click();
    await page.getByText('Reindexing 1 image').waitFor();
  });

  it('says why an image was skipped, and retries all of them', async () => {
    const bitmap = Buffer.from(BITMAP, 'hex');
    await library.upload(...['a', 'b'].map((name) => ({ fileName: `${name}.bmp`, bytes: bitmap })));
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('tab', { name: 'Skipped (2)' }).click();
    const row = page.getByRole('listitem').filter({ hasText: 'a.bmp' });
    await row.getByText('This image format isn’t supported.').waitFor();
    await page.getByRole('button', { name: 'Retry all 2' }).click();
    await page.getByText('Reindexing 2 images').waitFor();
    await app.waitUntilIndexed();
    await library.call('post', '/upload/actions/bulk-delete', {
      fileIds: (await library.entries())
        .filter(({ state }) => state === 'skipped')
        .map(({ fileId }) => fileId),
    });
  });

  it('scans the library on request, and links to the duplicates', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText('haven’t been scanned for duplicates yet').waitFor();
    await page.getByRole('button', { name: 'Scan library' }).click();
    await page.getByText(/^All 8 images scanned on .*, no duplicates to review$/).waitFor();
    await page.getByRole('button', { name: 'Scan again' }).waitFor();
    await page.getByRole('link', { name: 'Show duplicates' }).click();
    await page.getByText('No duplicates found').waitFor();
  });

  it('says how many images couldn’t be compared', async () => {
    const entries = await library.entries();
    const fileId = entries.find(({ state }) => state === 'indexed')?.fileId;
    const traces = app.strapi.db.query(IMAGE_TRACE_UID);
    await traces.update({ where: { fileId }, data: { onBlack: 'unreadable' } });
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Scan again' }).click();
    await page.getByText('1 image couldn’t be scanned.').waitFor();
    await page.getByText(/^Scan of 8 images ended on .*, no duplicates to review$/).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await traces.update({ where: { fileId }, data: { onBlack: null } });
    await page.getByRole('button', { name: 'Scan again' }).click();
    await page.getByText(/^All 8 images scanned on .*, no duplicates to review$/).waitFor();
    expect(await page.getByText('couldn’t be scanned').count()).toBe(0);
  });

  it('stops and resumes indexing, and says who did', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Stop indexing' }).click();
    await page.getByText('Test Administrator stopped indexing').waitFor();
    await page.getByRole('button', { name: 'Resume indexing' }).click();
    await page.getByRole('button', { name: 'Stop indexing' }).waitFor();
    expect(await page.getByText('stopped indexing').count()).toBe(0);
  });

  it('checks model and store on request', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Test now' }).click();
    await page.getByText(/Embedding model: OK \([\d,]+ ms\)/).waitFor();
    await page.getByText(/Vector store: OK \([\d,]+ ms\)/).waitFor();
  });

  it('checks the installation on request, also with the keyboard', async () => {
    const page = await browser.open(app.url, INDEX);
    const card = page.getByRole('region', { name: 'Checks' });
    await card.getByText('Checks Node.js, the model').waitFor();
    await card.getByRole('button', { name: 'Run checks' }).focus();
    await page.keyboard.press('Enter');
    await card.getByText('images are searchable').waitFor();
    expect(await card.getByRole('listitem').count()).toBeGreaterThan(8);
    await card.getByText('Storage: OK').waitFor();
    await card.getByRole('button', { name: 'Run again' }).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await page.route('**/image-search/checks', (route) => route.abort());
    await card.getByRole('button', { name: 'Run again' }).click();
    await card.getByRole('alert').waitFor();
  });

  it('estimates a rebuild before it begins', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Reindex', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Reindex images' });
    await dialog.getByRole('radio', { name: 'All images' }).click();
    await dialog.getByText('Runs on this server at no cost.').waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    await dialog.getByRole('button', { name: 'Reindex' }).click();
    await page.getByText(/Reindexing \d+ images/).waitFor();
    await app.waitUntilIndexed();
  });

  it('offers to delete the unfinished index of a model that is no longer configured', async () => {
    const identity = { provider: 'openai', model: 'mistyped-clip' };
    await app.strapi.db.query(SPACE_UID).create({
      data: {
        spaceId: 'openai-mistyped-clip-128-0123456789',
        provider: 'openai',
        model: 'mistyped-clip',
        dimensions: 128,
        preprocessing: 'none',
        identity,
        activation: null,
      },
    });
    const page = await browser.open(app.url, INDEX);
    const unfinished = page.getByRole('listitem').filter({ hasText: 'mistyped-clip' });
    await unfinished.getByText('Unfinished').waitFor();
    await unfinished.getByText('This model is no longer configured').waitFor();
    await page.getByText('Up to date').waitFor();
    expect(await unfinished.getByRole('button').allTextContents()).toEqual(['Delete']);
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await unfinished.getByRole('button').click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Index deleted').waitFor();
    await unfinished.waitFor({ state: 'detached' });
  });

  it('keeps the last figures while Strapi is unreachable', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText('Up to date').waitFor();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Test now' }).click();
    await page.getByText('Last updated').waitFor({ timeout: 20_000 });
    expect(await page.getByText('of 9 in the Media Library').count()).toBe(1);
  });

  it('is hidden from a role without access, as is its link', async () => {
    const editor = { email: 'index-editor@example.com', password: 'Test-Editor-1' };
    await app.createRestrictedAdmin({
      ...editor,
      permissions: [{ action: adminActions.search }, { action: adminActions.duplicates }],
    });
    const page = await browser.open(app.url, INDEX, { as: editor });
    await page.getByText('“Manage the search index”').waitFor();
    const links = page
      .getByRole('navigation', { name: 'Image Search', exact: true })
      .getByRole('link');
    expect(await links.allTextContents()).toEqual(['Search', 'Map', 'Duplicates']);
  });

  describe('for a role without access to the Media Library', () => {
    it('names failed files by their number', async () => {
      const operator = { email: 'operator@example.com', password: 'Test-Operator-1' };
      await app.createRestrictedAdmin({
        ...operator,
        permissions: [{ action: adminActions.manage }],
      });
      const page = await browser.open(app.url, INDEX, { as: operator });
      await page.getByText(/^File \d+$/).waitFor();
      expect(await page.getByText(BROKEN).count()).toBe(0);
    });
  });

  it('is readable in dark mode', async () => {
    const page = await browser.open(app.url, INDEX, { theme: 'dark' });
    await page.getByText('The file is damaged').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  describe('after a model change', () => {
    let model: HostedModel;
    let changed: StrapiApp;
    let release: () => void;
    beforeAll(async () => {
      model = await startHostedModel();
      release = model.server.holdImages(1);
      await app.stop();
      const { embedding } = model;
      changed = await startStrapi({ dataFolder, servesPanel: true, imageSearch: { embedding } });
    });
    afterAll(async () => {
      release();
      await changed.stop();
      await model.server.close();
    });

    it('says what an early switch means, and doesn’t offer to delete an index that would be rebuilt', async () => {
      const page = await browser.open(changed.url, INDEX);
      const filling = page.getByRole('listitem').filter({ hasText: 'Building' });
      await filling.getByText('4 of 9 images').waitFor({ timeout: 40_000 });
      await filling.getByText('This model is set in the configuration.').waitFor();
      expect(await filling.getByRole('button').allTextContents()).toEqual(['Use this model']);
      await filling.getByRole('button').click();
      const question = page.getByRole('alertdialog');
      await question.getByText('It has indexed 4 of 9 images. The others can’t be found').waitFor();
      await question.getByText('search switches to it automatically').waitFor();
      await question.getByRole('button', { name: 'Cancel' }).click();
      release();
    });

    it('switches between models, and deletes one', async () => {
      const page = await browser.open(changed.url, INDEX);
      const models = page.getByRole('listitem').filter({ hasText: 'dimensions' });
      const hosted = models.filter({ hasText: 'jina-clip-v2' });
      const kept = models.filter({ hasText: 'Standby' });
      const question = page.getByRole('alertdialog');
      await hosted.getByText('Active', { exact: true }).waitFor();
      await kept.getByRole('button', { name: 'Use this model' }).click();
      await question.getByText('It has indexed 8 of 9 images. The current model').waitFor();
      expect(await question.getByText('automatically').count()).toBe(0);
      expect(await findAccessibilityFaults(page, '[role="alertdialog"]')).toEqual([]);
      await question.getByRole('button', { name: 'Use this model' }).click();
      await page.getByText('Search now uses this model').waitFor();
      await hosted.getByText('Standby').waitFor();
      await hosted.getByText('This model is set in the configuration.').waitFor();
      expect(await hosted.getByRole('button').allTextContents()).toEqual(['Use this model']);
      expect(await findAccessibilityFaults(page)).toEqual([]);

      await kept.getByRole('button', { name: 'Use this model' }).click();
      await question.getByRole('button', { name: 'Use this model' }).click();
      await hosted.getByText('Active', { exact: true }).waitFor();
      await kept.getByRole('button', { name: 'Delete' }).click();
      await question.getByText('vectors of 8 images').waitFor();
      await question.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('Index deleted').waitFor();
      await kept.waitFor({ state: 'detached' });
    });
  });
});
