import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

describeInBrowser('The search page without a model', (browser) => {
  let app: StrapiApp;
  beforeAll(async () => {
    const model = path.join(__dirname, 'there-is-no-model');
    app = await startStrapi({
      servesPanel: true,
      imageSearch: { embedding: { provider: 'clip', model } },
    });
  });
  afterAll(() => app.stop());

  it('suggests uploading images to an empty library', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    await page.getByText('Your Media Library has no images yet').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  it('says that the model isn’t responding, and links operators to the index page', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    await searchOn(page).field.fill('dog');
    await page.getByText('Search is unavailable').waitFor();
    await page.getByText('there-is-no-model').waitFor();
    await page.getByRole('link', { name: 'View index' }).click();
    await page.waitForURL('**/plugins/image-search/index');
  });
});
