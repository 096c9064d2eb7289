import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rm } from 'node:fs/promises';
import { adminActions } from '../../plugin/src/contracts/identity';
import { PICTURE_TRACE_UID } from '../../server/src/plugin-id';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { createLibrary, samplePictures, type FileBytes, type Library } from '../support/library';
import { startHostedModel, type HostedModel } from '../support/model-change';
import { takeScreenshot } from '../support/screenshots';
import { createDataFolder, startStrapi, type StrapiApp } from '../support/strapi-app';

const INDEX = '/plugins/image-search/index';
const BROKEN = 'broken.png';
/** One red pixel as a Windows bitmap, which no model is shown. */
const BITMAP =
  '424d3a0000000000000036000000280000000100000001000000010018000000000004000000000000000000000000000000000000000000ff00';
const NO_PICTURES = 'There are no pictures in the Media Library yet.';
/** The browser has all of the panel to load. */
const FIRST_VIEW_MS = 60_000;

describeInBrowser('The Index page', (browser) => {
  let dataFolder: string;
  let app: StrapiApp;
  let library: Library;
  let pictures: FileBytes[];
  beforeAll(async () => {
    dataFolder = await createDataFolder();
    app = await startStrapi({ dataFolder, servesPanel: true });
    library = createLibrary(app);
    pictures = await samplePictures(9);
  });
  afterAll(async () => {
    await app.stop();
    await rm(dataFolder, { recursive: true, force: true });
  });

  it('says where to begin when there are no pictures', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText(NO_PICTURES).waitFor({ timeout: FIRST_VIEW_MS });
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  it('shows uploads being indexed while one looks', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText(NO_PICTURES).waitFor();
    await library.upload(...pictures.slice(0, 8));
    await page.getByText('of 8 in the Media Library').waitFor({ timeout: 40_000 });
    await page.getByRole('progressbar', { name: 'Pictures that can be found' }).waitFor();
    await page.getByText('Up to date').waitFor({ timeout: 40_000 });
    expect(await page.getByText('8 of 8 pictures').count()).toBe(1);
  });

  it('says why a picture failed, and tries it again', async () => {
    await library.upload({ fileName: BROKEN, bytes: Buffer.from('this is no picture') });
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, INDEX);
    const row = page.getByRole('listitem').filter({ hasText: BROKEN });
    await row.getByText('This file is damaged').waitFor();
    expect(await row.getByRole('link', { name: BROKEN }).getAttribute('href')).toMatch(
      /\/admin\/plugins\/upload\?assetId=\d+$/,
    );
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await takeScreenshot(page, 'panel-index');
    await row.getByRole('button', { name: `Try “${BROKEN}” again` }).click();
    await page.getByText('1 picture is indexed again.').waitFor();
  });

  it('says why a picture was skipped, and tries all of them again', async () => {
    const bitmap = Buffer.from(BITMAP, 'hex');
    await library.upload(...['a', 'b'].map((name) => ({ fileName: `${name}.bmp`, bytes: bitmap })));
    await app.waitUntilIndexed();
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('tab', { name: 'Skipped (2)' }).click();
    const row = page.getByRole('listitem').filter({ hasText: 'a.bmp' });
    await row.getByText('Pictures of this format cannot be read.').waitFor();
    await page.getByRole('button', { name: 'Try all 2 again' }).click();
    await page.getByText('2 pictures are indexed again.').waitFor();
    await app.waitUntilIndexed();
    await library.call('post', '/upload/actions/bulk-delete', {
      fileIds: (await library.entries())
        .filter(({ state }) => state === 'skipped')
        .map(({ fileId }) => fileId),
    });
  });

  it('compares the library when it is asked to, and leads to what was found', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText('have not been compared with each other yet').waitFor();
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText(/^All 8 pictures compared on .*, 0 pairs found$/).waitFor();
    await page.getByRole('button', { name: 'Compare again' }).waitFor();
    await page.getByRole('link', { name: 'Show duplicates' }).click();
    await page.getByText('is in the library twice').waitFor();
  });

  it('says how many pictures could not be compared', async () => {
    const entries = await library.entries();
    const fileId = entries.find(({ state }) => state === 'indexed')?.fileId;
    const traces = app.strapi.db.query(PICTURE_TRACE_UID);
    await traces.update({ where: { fileId }, data: { onBlack: 'unreadable' } });
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Compare again' }).click();
    await page.getByText('1 picture could not be compared.').waitFor();
    await page.getByText(/^The comparison of 8 pictures ended on .*, 0 pairs found$/).waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await traces.update({ where: { fileId }, data: { onBlack: null } });
    await page.getByRole('button', { name: 'Compare again' }).click();
    await page.getByText(/^All 8 pictures compared on .*, 0 pairs found$/).waitFor();
    expect(await page.getByText('could not be compared').count()).toBe(0);
  });

  it('stops and resumes indexing, and says who did', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Stop indexing' }).click();
    await page.getByText('Test Administrator stopped indexing').waitFor();
    await page.getByRole('button', { name: 'Resume indexing' }).click();
    await page.getByRole('button', { name: 'Stop indexing' }).waitFor();
    expect(await page.getByText('stopped indexing').count()).toBe(0);
  });

  it('tests model and store now', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Test now' }).click();
    await page.getByText(/Embedding model: works \(\d+ ms\)/).waitFor();
    await page.getByText(/Vector store: works \(\d+ ms\)/).waitFor();
  });

  it('estimates a rebuild before it begins', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByRole('button', { name: 'Index again …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Index again' });
    await dialog.getByRole('radio', { name: 'Every picture' }).click();
    await dialog.getByText('there is nothing to pay').waitFor();
    expect(await findAccessibilityFaults(page, '[role="dialog"]')).toEqual([]);
    await dialog.getByRole('button', { name: 'Start' }).click();
    await page.getByText(/\d+ pictures are indexed again\./).waitFor();
    await app.waitUntilIndexed();
  });

  it('keeps the last figures when Strapi cannot be reached', async () => {
    const page = await browser.open(app.url, INDEX);
    await page.getByText('Up to date').waitFor();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Test now' }).click();
    await page.getByText('The figures are those of').waitFor({ timeout: 20_000 });
    expect(await page.getByText('of 9 in the Media Library').count()).toBe(1);
  });

  it('is not for a role that may not manage, nor is its link', async () => {
    const editor = { email: 'index-editor@example.com', password: 'Test-Editor-1' };
    await app.createRestrictedAdmin({
      ...editor,
      permissions: [{ action: adminActions.search }, { action: adminActions.duplicates }],
    });
    const page = await browser.open(app.url, INDEX, { as: editor });
    await page.getByText('“See the index and rebuild it”').waitFor();
    const links = page.getByRole('navigation', { name: 'Pages of' }).getByRole('link');
    expect(await links.allTextContents()).toEqual(['Search', 'Duplicates']);
  });

  describe('for a role that may not see the Media Library', () => {
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

  it('is as readable in the dark', async () => {
    const page = await browser.open(app.url, INDEX, { theme: 'dark' });
    await page.getByText('This file is damaged').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  describe('after a change of the model', () => {
    let model: HostedModel;
    let changed: StrapiApp;
    let release: () => void;
    beforeAll(async () => {
      model = await startHostedModel();
      release = model.server.holdPictures(1);
      await app.stop();
      const { embedding } = model;
      changed = await startStrapi({ dataFolder, servesPanel: true, imageSearch: { embedding } });
    });
    afterAll(async () => {
      release();
      await changed.stop();
      await model.server.close();
    });

    it('says what an early switch means, and does not offer to delete what would be filled again', async () => {
      const page = await browser.open(changed.url, INDEX);
      const filling = page.getByRole('listitem').filter({ hasText: 'Being filled' });
      await filling.getByText('4 of 9 pictures').waitFor({ timeout: 40_000 });
      await filling.getByText('The configuration names this model.').waitFor();
      expect(await filling.getByRole('button').allTextContents()).toEqual(['Switch to it']);
      await filling.getByRole('button').click();
      const question = page.getByRole('alertdialog');
      await question.getByText('It knows 4 of 9 pictures. The others are not found').waitFor();
      await question.getByText('It would take over by itself').waitFor();
      await question.getByRole('button', { name: 'Cancel' }).click();
      release();
    });

    it('switches between models, and deletes one', async () => {
      const page = await browser.open(changed.url, INDEX);
      const models = page.getByRole('listitem').filter({ hasText: 'dimensions' });
      const hosted = models.filter({ hasText: 'jina-clip-v2' });
      const kept = models.filter({ hasText: 'Kept' });
      const question = page.getByRole('alertdialog');
      await hosted.getByText('Answers searches').waitFor();
      await kept.getByRole('button', { name: 'Switch to it' }).click();
      await question.getByText('It knows 8 of 9 pictures. The model that answers now').waitFor();
      expect(await question.getByText('by itself').count()).toBe(0);
      expect(await findAccessibilityFaults(page, '[role="alertdialog"]')).toEqual([]);
      await question.getByRole('button', { name: 'Switch to it' }).click();
      await page.getByText('Searches are answered with that model now.').waitFor();
      await hosted.getByText('Kept').waitFor();
      await hosted.getByText('The configuration names this model.').waitFor();
      expect(await hosted.getByRole('button').allTextContents()).toEqual(['Switch to it']);
      expect(await findAccessibilityFaults(page)).toEqual([]);

      await kept.getByRole('button', { name: 'Switch to it' }).click();
      await question.getByRole('button', { name: 'Switch to it' }).click();
      await hosted.getByText('Answers searches').waitFor();
      await kept.getByRole('button', { name: 'Delete' }).click();
      await question.getByText('vectors of 8 pictures').waitFor();
      await question.getByRole('button', { name: 'Delete' }).click();
      await page.getByText('The model’s vectors are deleted.').waitFor();
      await kept.waitFor({ state: 'detached' });
    });
  });
});
