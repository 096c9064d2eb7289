import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { z } from 'zod';
import { describeInBrowser } from '../support/browser';
import { createDirection, insertFiles, type PlainFile } from '../support/large-library';
import { SEARCH_PAGE, searchOn } from '../support/panel-search';
import { productOf } from '../support/search-app';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { sizeOf } from '../support/test-size';

const FILES = sizeOf({ ci: 1_500, long: 5_000 });
/** Rows on a screen, and those that are kept ready above and below. */
const MOST_DRAWN = 150;
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const boxesSchema = z.record(z.string(), z.number());

describeInBrowser('The search page of a large library', (browser) => {
  let app: StrapiApp;
  beforeAll(async () => {
    app = await startStrapi({ servesPanel: true, imageSearch: { indexing: { enabled: false } } });
    const { collection } = await productOf(app).spaces.get();
    const { dimensions } = collection.space;
    const files = Array.from({ length: FILES }, (_value, index): PlainFile => ({
      id: index + 1,
      name: `image-${String(index)}.png`,
      mime: 'image/png',
      createdBy: null,
      vector: createDirection(`file ${String(index)}`, dimensions),
    }));
    await insertFiles(app, collection, files);
    const { connection } = app.strapi.db;
    await connection('files').update({
      width: connection.raw('200 + (id * 37) % 500'),
      height: 400,
    });
  });
  afterAll(() => app.stop());

  it('scrolls to the last of its images, drawing few of them and moving none', async () => {
    const page = await browser.open(app.url, SEARCH_PAGE);
    await page.route('**/uploads/**', (route) =>
      route.fulfill({ contentType: 'image/png', body: PIXEL }),
    );
    await page.goto(`${app.url}/admin${SEARCH_PAGE}?text=anything`);
    const { results } = searchOn(page);
    await results.locator('[aria-posinset="1"]').waitFor();
    const before = await readBoxes();
    const last = results.locator(`[aria-posinset="${String(FILES)}"]`);

    let mostDrawn = 0;
    await page.mouse.move(700, 600);
    while ((await last.count()) === 0) {
      await page.mouse.wheel(0, 6_000);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      mostDrawn = Math.max(mostDrawn, await results.getByRole('listitem').count());
    }
    expect(mostDrawn).toBeGreaterThan(5);
    expect(mostDrawn).toBeLessThan(MOST_DRAWN);
    expect(await last.getAttribute('aria-setsize')).toBe(String(FILES));

    await page.mouse.wheel(0, -10_000_000);
    await results.locator('[aria-posinset="1"]').waitFor();
    expect(await readBoxes()).toMatchObject(before);

    /** Where the first results are within the list, by their ids. */
    async function readBoxes(): Promise<Record<string, number>> {
      const boxes: unknown = await results.evaluate((list) => {
        const { top, left } = list.getBoundingClientRect();
        const found = [...list.querySelectorAll('[role="listitem"]')].slice(0, 12).map((item) => {
          const box = item.getBoundingClientRect();
          const id = item.querySelector('[data-result]')?.getAttribute('data-result') ?? '';
          return [id, Math.round(box.top - top) * 10_000 + Math.round(box.left - left)];
        });
        return Object.fromEntries(found) as Record<string, number>;
      });
      return boxesSchema.parse(boxes);
    }
  }, 300_000);
});
