import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { adminActions } from '../../plugin/src/contracts/identity';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { createLibrary, sampleImage } from '../support/library';
import { startStrapi, type StrapiApp } from '../support/strapi-app';

const HOME = '/plugins/image-search';

describeInBrowser('The panel', (browser) => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({
      servesPanel: true,
      imageSearch: { panel: { mediaLibrary: false, imagePicker: false } },
    });
  });
  afterAll(() => app.stop());

  it('opens from its menu link and starts with the search', async () => {
    const page = await browser.open(app.url, '/');
    await page.getByRole('link', { name: 'Image Search' }).click();
    await page.getByRole('heading', { level: 1, name: 'Search' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/admin${HOME}/search`);
    expect(
      await page
        .getByRole('navigation', { name: 'Image Search', exact: true })
        .getByRole('link')
        .count(),
    ).toBe(4);
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });

  it('starts with the first page a role has access to, and explains why others are missing', async () => {
    const keeper = { email: 'keeper@example.com', password: 'Test-Keeper-1' };
    await app.createRestrictedAdmin({
      ...keeper,
      permissions: [{ action: adminActions.duplicates }],
    });
    const page = await browser.open(app.url, HOME, { as: keeper });
    await page.getByRole('heading', { level: 1, name: 'Duplicates' }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Image Search', exact: true }).count()).toBe(
      0,
    );

    await page.goto(`${app.url}/admin${HOME}/search`);
    await page.getByText('“Search images”').waitFor();
  });

  it('leaves the Media Library unchanged if the configuration says so', async () => {
    const [image] = await createLibrary(app).upload(await sampleImage('dog'));
    const page = await browser.open(app.url, '/');
    const asked = page.waitForResponse('**/image-search/panel');
    await page.goto(`${app.url}/admin/plugins/upload?assetId=${String(image?.id)}`);
    await page.getByRole('dialog', { name: 'File details' }).getByText('File info').waitFor();
    await (await asked).finished();
    // What is drawn next after the answer would have it.
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
    expect(await page.getByRole('button', { name: 'Find similar' }).count()).toBe(0);
    expect(await page.getByLabel('Search by what images show').count()).toBe(0);
  });
});
