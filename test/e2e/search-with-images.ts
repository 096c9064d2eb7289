import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import sharp from 'sharp';
import { renderSampleImage } from '../../sample/library';
import { findAccessibilityFaults } from '../support/accessibility';
import { createLibrary, sampleImage } from '../support/library';
import type { PanelBrowser } from '../support/panel-browser';
import { SEARCH_PAGE, searchOn, type GivenFile } from '../support/panel-search';
import type { SearchApp } from '../support/search-app';

/** Searching with images, and exporting results, in a Strapi that is already running. */
export function testSearchWithImages(browser: PanelBrowser, app: () => SearchApp): void {
  const idOf = (concept: string): number => app().fileOf(concept).id;

  async function imageOf(concept: string, name: string): Promise<GivenFile> {
    const bytes = await renderSampleImage(app().fileOf(concept).image);
    return { bytes, name, type: 'image/jpeg' };
  }

  it('searches with a dropped image, and keeps it in this tab', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const search = searchOn(page);
    await search.drop(await imageOf('owl', 'bird.jpg'));
    await search.waitForBest(idOf('owl'));
    await page.getByRole('button', { name: 'Remove “Like bird.jpg” from search' }).waitFor();
    const known = page.getByRole('status').filter({ hasText: 'Already in your library:' });
    expect(await known.getByRole('link').getAttribute('href')).toBe(
      `/admin/plugins/upload?assetId=${String(idOf('owl'))}`,
    );
    expect(await findAccessibilityFaults(page)).toEqual([]);
    await page.reload();
    await search.waitForBest(idOf('owl'));

    const other = await browser.open(app().url, SEARCH_PAGE + new URL(page.url()).search);
    await other.getByText('Search image not available').waitFor();
  });

  it('says that the library doesn’t have an image', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const bytes = (await sampleImage('helicopter')).bytes;
    await searchOn(page).drop({ bytes, name: 'new.png', type: 'image/png' });
    await page.getByText('Not in your library yet.').waitFor();
  });

  it('rejects a file that isn’t an image', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const file = { bytes: Buffer.from('words'), name: 'notes.txt', type: 'text/plain' };
    await searchOn(page).drop(file);
    await page.getByText('“notes.txt” isn’t an image.').waitFor();
    expect(searchOn(page).address().size).toBe(0);
  });

  it('searches with a pasted image, and with text beside it', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const search = searchOn(page);
    await search.paste(await imageOf('castle', 'copied.png'));
    await search.waitForBest(idOf('castle'));
    await search.field.fill('rocket');
    await page.waitForURL((address) => address.searchParams.get('text') === 'rocket');
    await page.getByRole('button', { name: 'Remove “Like copied.png” from search' }).click();
    await search.waitForBest(idOf('rocket'));
    expect(search.address().toString()).toBe('text=rocket');
  });

  it('searches with an image from the library', async () => {
    const page = await browser.open(app().url, SEARCH_PAGE);
    const search = searchOn(page);
    await page.getByRole('button', { name: 'Search with an image' }).click();
    await page.getByRole('menuitem', { name: 'Choose from Media Library' }).click();
    const dialog = page.getByRole('dialog');
    const { fileName } = app().fileOf('butterfly').image;
    await dialog.getByRole('checkbox', { name: fileName }).click();
    await dialog.getByRole('button', { name: 'Finish' }).click();
    await page.getByRole('button', { name: `Remove “Like ${fileName}” from search` }).waitFor();
    expect(search.address().toString()).toBe(`like=${String(idOf('butterfly'))}`);
    await search.results.waitFor();
  });

  it('searches with a part of an image, by pointer and by keyboard', async () => {
    const side = async (concept: string) =>
      sharp(await renderSampleImage(app().fileOf(concept).image))
        .resize(400, 400, { fit: 'cover' })
        .png()
        .toBuffer();
    const bytes = await sharp(await side('sunflower'))
      .extend({ right: 400 })
      .composite([{ input: await side('guitar'), left: 400, top: 0 }])
      .jpeg()
      .toBuffer();
    const library = createLibrary(app());
    const [added] = await library.upload({ fileName: 'both.jpg', bytes });
    await app().waitUntilIndexed();
    const id = added?.id ?? 0;
    const page = await browser.open(app().url, `${SEARCH_PAGE}?like=${String(id)}`);
    const search = searchOn(page);
    await search.results.waitFor();
    await page.getByRole('button', { name: 'Choose part of the image' }).click();
    const area = page.getByTestId('crop-area');
    const part = area.getByRole('application');
    await part.waitFor();
    await area.getByRole('img').evaluate((image: HTMLImageElement) => image.decode());
    expect(await part.getAttribute('aria-label')).toBe('Whole image selected');
    expect(await findAccessibilityFaults(page)).toEqual([]);

    const box = (await area.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const at = (x: number, y: number): [number, number] => [
      box.x + x * box.width,
      box.y + y * box.height,
    ];
    await page.mouse.move(...at(0.55, 0.05));
    await page.mouse.down();
    await page.mouse.move(...at(0.75, 0.5));
    // Nothing is searched before the button is released.
    await page.mouse.move(...at(0.99, 0.95));
    expect(search.address().has('region')).toBe(false);
    await page.mouse.up();
    await search.waitForBest(idOf('guitar'));
    const [x = 0, y = 0, width = 0] = (search.address().get('region') ?? '').split(' ').map(Number);
    expect(x).toBeCloseTo(0.55, 1);
    expect(width).toBeCloseTo(0.44, 1);
    await area
      .getByRole('status')
      .filter({ hasText: /^Selection: 4\d% wide/ })
      .waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);

    const steps = await page.evaluate(() => window.history.length);
    await part.focus();
    for (let step = 0; step < 27; step += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Shift+ArrowUp');
    await area
      .getByRole('status')
      .filter({ hasText: / 8\d% high/ })
      .waitFor();
    await search.waitForBest(idOf('sunflower'));
    const [left = 1, top, , height = 1] = (search.address().get('region') ?? '')
      .split(' ')
      .map(Number);
    expect(left).toBeLessThan(0.03);
    expect([top, height < 0.9]).toEqual([y, true]);
    expect(await page.evaluate(() => window.history.length)).toBe(steps + 1);
    await page.reload();
    await search.waitForBest(idOf('sunflower'));
    await page
      .getByRole('button', { name: 'Remove “Like part of both.jpg” from search' })
      .waitFor();

    await page.getByRole('button', { name: 'Choose part of the image' }).click();
    await page.getByRole('button', { name: 'Use the whole image' }).click();
    await page.getByRole('button', { name: 'Remove “Like both.jpg” from search' }).waitFor();
    expect(search.address().toString()).toBe(`like=${String(id)}`);
    await library.call('post', '/upload/actions/bulk-delete', { fileIds: [id] });
  });

  it('downloads the selected images', async () => {
    const page = await browser.open(app().url, `${SEARCH_PAGE}?text=pizza`);
    const search = searchOn(page);
    await search.waitForBest(idOf('pizza'));
    await search.select(idOf('pizza'));
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = await saved;
    const { fileName } = app().fileOf('pizza').image;
    expect(download.suggestedFilename()).toBe(fileName);
    const row: unknown = await app()
      .strapi.db.query('plugin::upload.file')
      .findOne({ where: { id: idOf('pizza') } });
    const { url } = row as { url: string };
    const stored = await app().request.get(url).buffer(true);
    expect((await readFile(await download.path())).equals(stored.body as Buffer)).toBe(true);
  });

  it('searches only within a folder and its subfolders', async () => {
    const library = createLibrary(app());
    const folderId = await library.createFolder('Vehicles');
    const inside = [idOf('bicycle'), idOf('sailboat')].sort();
    const move = { fileIds: inside, destinationFolderId: folderId };
    expect((await library.call('post', '/upload/actions/bulk-move', move)).status).toBe(200);
    const page = await browser.open(app().url, `${SEARCH_PAGE}?text=dog`);
    const search = searchOn(page);
    await search.waitForBest(idOf('dog'));
    await search.filter('Folder', 'Vehicles');
    await page.getByRole('button', { name: 'Remove filter “Folder: Vehicles”' }).waitFor();
    await page.getByRole('status').filter({ hasText: '2 results' }).waitFor();
    expect((await search.ids()).sort()).toEqual(inside);
    expect(search.address().toString()).toBe(`text=dog&folder=${String(folderId)}`);
  });

  it('searches within calendar days', async () => {
    await app()
      .strapi.db.connection('files')
      .where({ id: idOf('camera') })
      .update({ created_at: new Date('2024-02-29T12:00:00Z') });
    const page = await browser.open(app().url, `${SEARCH_PAGE}?text=camera`);
    const search = searchOn(page);
    await search.waitForBest(idOf('camera'));
    await page.getByRole('button', { name: 'Filters' }).click();
    await page.getByLabel('From', { exact: true }).fill('2024-02-29');
    await page.getByLabel('To', { exact: true }).fill('2024-02-29');
    await page.keyboard.press('Escape');
    await page.getByRole('status').filter({ hasText: '1 result' }).waitFor();
    expect(await search.ids()).toEqual([idOf('camera')]);
    expect(search.address().toString()).toBe('text=camera&from=2024-02-29&to=2024-02-29');
    await page.getByRole('button', { name: 'Remove filter “From Feb 29, 2024”' }).click();
    await page.getByRole('button', { name: 'Remove filter “Until Feb 29, 2024”' }).waitFor();
    await search.filter('Uploaded', 'Last 7 days');
    await page.getByRole('status').filter({ hasText: '15 results' }).waitFor();
    expect(search.address().toString()).toBe('text=camera&days=7');
  });
}
