import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { renderSampleImage } from '../../sample/library';
import { findAccessibilityFaults } from '../support/accessibility';
import { describeInBrowser } from '../support/browser';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { pdfOf } from '../support/pdf-file';
import { imagesOf, startSearchApp, type SearchApp } from '../support/search-app';

const images = imagesOf(['dog', 'guitar', 'red-apple', 'castle']);

describeInBrowser('Documents on the search page', (browser) => {
  let app: SearchApp;
  let documentId: number;
  beforeAll(async () => {
    app = await startSearchApp({
      images,
      servesPanel: true,
      imageSearch: { indexing: { views: { parts: 0, frames: 0 } }, words: { enabled: true } },
    });
    const [pizza, rocket] = await Promise.all(
      imagesOf(['pizza', 'rocket']).map((image) => renderSampleImage(image)),
    );
    if (!pizza || !rocket) throw new Error('Expected two images.');
    const document = await pdfOf([
      { text: 'A menu', color: '#224466' },
      { image: pizza },
      { image: rocket },
    ]);
    documentId = (await app.uploadThroughAdmin(document, 'menu.pdf')).id;
    await app.waitUntilIndexed();
  }, 240_000);
  afterAll(() => app.stop());

  it('show the page that matched, and say which it is', async () => {
    const page = await browser.open(app.url, `${SEARCH_PAGE}?text=rocket`);
    const search = searchOn(page);
    await search.waitForBest(documentId);
    const result = page.locator(`[data-result="${String(documentId)}"]`);
    await result.locator('img').waitFor();
    expect(await result.locator('img').getAttribute('src')).toMatch(/^data:image\/webp;base64,/);
    await result.click();
    const details = page.getByRole('dialog', { name: 'menu.pdf' });
    await details.getByText('Page 3').waitFor();
    await details.locator('img').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await details.getByRole('button', { name: /in full size$/ }).click();
    await page.locator('img[alt="menu.pdf"]').waitFor();
  });

  it('can be searched alone', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByRole('combobox', { name: 'Kind' }).click();
    await page.getByRole('option', { name: 'Documents (1)' }).click();
    await page.keyboard.press('Escape');
    await searchOn(page).waitForBest(documentId);
    expect(await searchOn(page).ids()).toEqual([documentId]);
  });
});
