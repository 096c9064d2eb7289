import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeInBrowser } from '../support/browser';
import { createLibrary, sampleImages } from '../support/library';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { testAdministrator } from '../support/strapi-client';

describeInBrowser('The panel when Strapi refuses or is gone', (browser) => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({ servesPanel: true });
    await createLibrary(app).upload(...(await sampleImages(3)));
    await app.waitUntilIndexed();
  });
  afterAll(() => app.stop());

  it('shows results by itself once a server is back that was gone', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    const { field, results } = searchOn(page);
    await field.waitFor();
    await page.route('**/image-search/**', (route) => route.abort());
    await field.fill('a dog');
    await page.getByText('Can’t reach Strapi').waitFor();
    await page.unroute('**/image-search/**');
    await results.waitFor();
  });

  it('leads to the sign-in when the session has ended, and back with the query', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?type=png`);
    const search = searchOn(page);
    const { field, results } = search;
    await results.waitFor();
    await app.strapi.db.query('admin::session').deleteMany({});
    await field.fill('a dog');
    await page.getByLabel('Email').fill(testAdministrator.email);
    await page.getByLabel('Password', { exact: false }).first().fill(testAdministrator.password);
    await page.getByRole('button', { name: 'Login' }).click();
    await results.waitFor();
    expect(Object.fromEntries(search.address())).toEqual({ text: 'a dog', type: 'png' });
  });
});
